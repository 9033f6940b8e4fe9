package webhook_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// withCanaries has a secret in every setting that can hold one, also in the path, as Slack and Discord have it.
const withCanaries = `/services/canary-path-1/canary%20path%202?key=canary-query&canary-flag
secret: [whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5, whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ6]
`

var logins = []string{
	"token: canary-token\nheaders: {X-Key: canary-header}", "username: door\npassword: canary-password", "headers: {Authorization: canary-authorization}",
}

// forms are settings of bodies that hold a secret or an answer worth keeping.
var forms = []string{"", "batch: 4", "preset: slack", "preset: generic", `body: '{"key": "canary-body", "text": {{json .data.result}}}'`}

// everythingOf is an answer of a talkative server: all that it got.
func everythingOf(r request) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Cannot %s %s (%s) %v: ", r.Method, r.RequestURI, r.URL.Path, r.URL.Query())
	for name, values := range r.Header {
		fmt.Fprintf(&text, "%s=%q ", name, values)
	}
	return text.String() + r.body
}

func TestNoSecretInAnyError(t *testing.T) {
	talkative := listen(t, nil)
	silent := "http://" + raw(t, func(c net.Conn) { _ = c.Close() })
	garbled := "http://" + raw(t, func(c net.Conn) {
		block := make([]byte, 8<<10)
		n, _ := c.Read(block)
		_, _ = c.Write(append([]byte("HTTP/1.1 "), block[:n]...))
		_ = c.Close()
	})
	for i, code := range []int{302, 400, 410, 429, 500, 400, 400, 400} {
		talkative.answer = func(w http.ResponseWriter, r request) {
			w.Header().Set("Location", "https://elsewhere.example/"+r.RequestURI+r.Header.Get("Authorization"))
			w.WriteHeader(code)
			all := everythingOf(r)
			_, _ = io.WriteString(w, all[i*len(all)/10:]) // another part of it comes first each time
		}
		for _, address := range []string{talkative.URL, silent, garbled} {
			for _, settings := range forms {
				for _, login := range logins {
					s := open(t, "url: "+address+withCanaries+login+"\n"+settings)
					_, err := s.Deliver(t.Context(), []result.Result{
						answerOf("1", `"the canary sings in the yard"`), answerOf("2", `"canary-answer <b>with</b> \"quotes\""`),
					})
					if err == nil {
						t.Fatalf("%d: no error", code)
					}
					if shown := fmt.Sprintf("%v %+v", err, err); strings.Contains(shown, "canary") || strings.Contains(shown, "Y2FuYXJ5") {
						t.Errorf("%s, %s, %d: %v", settings, login, code, err)
					}
				}
			}
		}
	}
}

func TestPrintingTheSettingsShowsNoSecret(t *testing.T) {
	for _, login := range logins {
		c, err := webhook.Decode(section(t, "url: http://hook.example"+withCanaries+login))
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v"} {
			if text := fmt.Sprintf(verb, c); strings.Contains(text, "canary") {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

// Keys of a service stand in templates as well, and text/template quotes the part in which something went wrong.
func TestNoTextOfATemplateInAnyError(t *testing.T) {
	for _, body := range []string{
		`{{if eq "canary-key" .data.result}}1{{end}}{{json .data.result.x}}`,
		"{{lt `canary>: key` .data.result.n}}",
		`{{eq .data.result.n "canary \"key\">: "}}`,
		`{{index "canary-key" .data.result}}`,
		`{{define "canary"}}{{json .data.labels.x}}{{end}}{{template "canary" .}}`,
		`{"key": "canary-key", "text": {{json .data.result.x.y}}}`,
	} {
		c, err := webhook.Decode(section(t, withBody("http://hook.example/", body, "")))
		if err == nil {
			_, err = webhook.New(c, "").Deliver(t.Context(), []result.Result{answerOf("1", `{"n": 1}`)})
		}
		if err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "template: line 1:") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// bodies makes a sink whose requests go nowhere, and returns what posts a result and gives the body there would be.
func bodies(t testing.TB, settings string) (post func(result.Result) (string, error), err error) {
	section, err := config.ParseSection("c.yaml", "type: webhook\n"+settings)
	if err != nil {
		t.Fatal(err)
	}
	c, err := webhook.Decode(section)
	if err != nil {
		return nil, err
	}
	s := webhook.New(c, "")
	var body string
	webhook.Play(s, played(func(r *http.Request) (*http.Response, error) {
		text, err := io.ReadAll(r.Body)
		body = string(text)
		return httptest.NewRecorder().Result(), err
	}))
	return func(r result.Result) (string, error) {
		_, err := s.Deliver(t.Context(), []result.Result{r})
		return body, err
	}, nil
}

// tooLong are templates that take their time because they were told to.
var tooLong = regexp.MustCompile(`[0-9]{4}|0[xXbBoO]|[0-9][eEpP]|_|'`)

// FuzzTemplate gives strange templates strange answers. A template that is accepted makes a body, and JSON at that, or refuses the result.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{
		`{"text": {{json .data.result}}}`, `{{json .}}`, `{"n": {{.data.result.n}}}`, `{{with .data.result}}{{json .}}{{end}}`,
		`[{{range $i, $x := .data.result}}{{if $i}},{{end}}{{json $x}}{{end}}]`, `{{if gt .data.result.n 1.0}}1{{else}}2{{end}}`,
		`{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}`, `{{$x := .data}}{{json $x.result}}`, `{{index .data.labels "x"}}`,
		`{{block "b" .data}}{{json .camera}}{{end}}`, `{{(json .data.result) | json}}`, `{{break}}`, `{{.data.result.a.b.c}}`, `{{`, `{{nil}}`, `{{$}}`,
		`{{html .data.result}}`, `{{printf "%v" .data.result | json}}`, `{{call .data.result}}`, `{{slice .data.result 1 2}}`, `{{- /* c */ -}}1`,
	} {
		for _, answer := range []string{`{"n":1}`, `"a \"b\""`, `[1,[2,{"x":null}]]`, `null`, `{"n":`} {
			f.Add(text, answer)
		}
	}
	f.Fuzz(func(t *testing.T, text, answer string) {
		if strings.Contains(text, "range") && tooLong.MatchString(text+answer) || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return
		}
		post, err := bodies(t, withBody("http://hook.example/", text, ""))
		if err != nil {
			return
		}
		body, err := post(answerOf("1", answer))
		if e, ok := err.(*sink.Error); err != nil && (!ok || e.Kind != sink.Refused) {
			t.Errorf("got %v", err)
		}
		if err == nil && (!json.Valid([]byte(body)) || len(body) > 1<<20) {
			t.Errorf("the body is %.300q", body)
		}
	})
}

// FuzzPresets gives every preset strange results: a body is always one JSON object, and no text gets out of its string.
func FuzzPresets(f *testing.F) {
	for _, text := range texts {
		f.Add(text, text, true)
	}
	f.Fuzz(func(t *testing.T, text, complaint string, ok bool) {
		raw, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		res := answerOf("1", string(raw))
		res.OK, res.Error = ok, complaint
		for settings, keys := range map[string]int{"/x\npreset: slack": 1, "/x\npreset: discord": 2, "/x\npreset: ntfy": 3, "/x\npreset: generic": 11} {
			post, err := bodies(t, "url: http://hook.example"+settings)
			if err != nil {
				t.Fatal(err)
			}
			body, err := post(res)
			if err != nil {
				t.Fatal(err)
			}
			if got := object(t, body); len(got) != keys {
				t.Errorf("%s: %s", settings, body)
			}
		}
	})
}

// FuzzErrors lets a server say anything: what of it comes into an error is one short printable line without our secrets.
func FuzzErrors(f *testing.F) {
	f.Add([]byte("Cannot POST /services/T0/B0/canarycanary"), 400)
	f.Add([]byte("\x00\xff canary-token \r\n"), 500)
	f.Add([]byte(strings.Repeat("canary-answer", 100)), 302)
	f.Fuzz(func(t *testing.T, said []byte, code int) {
		code = 300 + (code%300+300)%300
		s := open(t, "url: http://hook.example/services/T0/B0/canarycanary\ntoken: canary-token")
		webhook.Play(s, played(func(*http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.Code = code
			w.Body.Write(said)
			return w.Result(), nil
		}))
		_, err := s.Deliver(t.Context(), []result.Result{answerOf("1", `"canary-answer"`)})
		if err == nil {
			t.Fatal("no error")
		}
		text := err.Error()
		for _, secret := range []string{"canarycanary", "canary-token", "canary-answer"} {
			if strings.Contains(text, secret) {
				t.Errorf("it shows %s: %s", secret, text)
			}
		}
		if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) || utf8.RuneCountInString(text) > 400 {
			t.Errorf("not fit for a log: %q", text)
		}
	})
}

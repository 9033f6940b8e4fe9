package webhook_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

func TestAResultIsPostedAsACloudEvent(t *testing.T) {
	r := listen(t, nil)
	sent := answerOf("id-1", `"two <b>people</b> & \"a\" dog: ü"`)
	deliver(t, open(t, "url: "+r.URL+"/hook?a=b"), sent)
	got := r.only(t)
	if got.Method != http.MethodPost || got.RequestURI != "/hook?a=b" || got.Header.Get("User-Agent") != "overshoot-agent" {
		t.Errorf("got %s %s, %v", got.Method, got.RequestURI, got.Header)
	}
	if media := got.Header.Get("Content-Type"); media != "application/cloudevents+json" {
		t.Errorf("the content type is %q", media)
	}
	want, err := sent.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if got.body != string(want) || got.ContentLength != int64(len(want)) {
		t.Errorf("got  %s\nwant %s", got.body, want)
	}
	for _, name := range []string{"Webhook-Id", "Webhook-Signature", "Idempotency-Key", "Authorization", "Accept-Encoding"} {
		if value, there := got.Header[name]; there {
			t.Errorf("%s: %q without being asked for", name, value)
		}
	}
}

func TestOneRequestCarriesOneResultInOrder(t *testing.T) {
	r := listen(t, nil)
	deliver(t, open(t, "url: "+r.URL), numbered(5)...)
	for i, got := range r.requests() {
		if id := object(t, got.body)["id"]; id != string(rune('0'+i)) {
			t.Errorf("request %d carries %v", i, id)
		}
	}
	if n := len(r.requests()); n != 5 {
		t.Errorf("%d requests", n)
	}
}

func TestNothingToDeliver(t *testing.T) {
	r := listen(t, nil)
	deliver(t, open(t, "url: "+r.URL))
	if got := r.requests(); len(got) > 0 {
		t.Errorf("got %v", got)
	}
}

func TestHeadersMethodAndLogin(t *testing.T) {
	r := listen(t, nil)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("door:pa:ss wörd"))
	for settings, want := range map[string]map[string]string{
		"method: PUT\nheaders: {x-key: one, X-Other: 'a, b'}":      {"X-Key": "one", "X-Other": "a, b"},
		"headers: {Content-Type: application/json; charset=utf-8}": {"Content-Type": "application/json; charset=utf-8"},
		"username: door\npassword: 'pa:ss wörd'":                   {"Authorization": basic},
		"token: abc": {"Authorization": "Bearer abc"},
		"headers: {authorization: Splunk x, User-Agent: me/1}":           {"Authorization": "Splunk x", "User-Agent": "me/1"},
		"headers: {Idempotency-Key: always-the-same}\nmethod: PATCH":     {"Idempotency-Key": "always-the-same"},
		"headers: {}\nmethod: POST\ntimeout: 1s\nbatch: 1\nusername: ''": {"Authorization": ""},
	} {
		deliver(t, open(t, "url: "+r.URL+"\n"+settings), results("1")...)
		got := r.requests()
		for name, value := range want {
			if have := got[len(got)-1].Header.Get(name); have != value {
				t.Errorf("%s: %s is %q", settings, name, have)
			}
		}
	}
}

func TestConnectionsAreKept(t *testing.T) {
	for name, code := range map[string]int{"success": 200, "refusal": 422, "trouble": 503} {
		t.Run(name, func(t *testing.T) {
			r := listen(t, says(code, "some words in the body"))
			s := open(t, "url: "+r.URL)
			var reused []bool
			ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
				GotConn: func(info httptrace.GotConnInfo) { reused = append(reused, info.Reused) },
			})
			for range 3 {
				_, _ = s.Deliver(ctx, results("1"))
			}
			if len(reused) != 3 || reused[0] || !reused[1] || !reused[2] {
				t.Errorf("reused %v", reused)
			}
		})
	}
}

// A server may close an idle connection at the moment when we use it.
func TestAConnectionClosedWhileIdleIsNoFailure(t *testing.T) {
	r := listen(t, nil)
	s := open(t, "url: "+r.URL)
	for range 20 {
		deliver(t, s, results("1")...)
		r.CloseClientConnections()
	}
}

func TestAnAnswerThatIsNoJSONIsRefusedWithoutARequest(t *testing.T) {
	for _, size := range []int{1, 5} {
		r := listen(t, nil)
		s := open(t, fmt.Sprintf("url: %s\nbatch: %d", r.URL, size))
		batch := []result.Result{answerOf("1", `1`), answerOf("2", `{"canary":`), answerOf("3", `1`)}
		taken, err := s.Deliver(t.Context(), batch)
		if taken != 1 || len(r.requests()) != 1 {
			t.Errorf("took %d, %d requests", taken, len(r.requests()))
		}
		wantError(t, err, sink.Refused, "making the body")
		deliver(t, s, batch[2:]...)
	}
}

func TestNoProxyOfTheEnvironment(t *testing.T) {
	c, err := webhook.Decode(section(t, "url: http://hook.example/"))
	if err != nil {
		t.Fatal(err)
	}
	if webhook.Transport(webhook.New(c, "")).Proxy != nil {
		t.Error("it asks the environment for a proxy")
	}
}

func TestBatchesAreArraysOfCloudEvents(t *testing.T) {
	r := listen(t, nil)
	deliver(t, open(t, "url: "+r.URL+"\nbatch: 3"), numbered(7)...)
	want := []string{"012", "345", "6"}
	for i, got := range r.requests() {
		var events []map[string]any
		if err := json.Unmarshal([]byte(got.body), &events); err != nil {
			t.Fatal(err)
		}
		ids := ""
		for _, event := range events {
			ids += event["id"].(string)
		}
		if media := got.Header.Get("Content-Type"); ids != want[i] || media != "application/cloudevents-batch+json" {
			t.Errorf("request %d carries %s as %s", i, ids, media)
		}
	}
	if n := len(r.requests()); n != 3 {
		t.Errorf("%d requests", n)
	}
}

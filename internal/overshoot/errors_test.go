package overshoot_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// failing returns the error of a chat call that is answered so.
func failing(t *testing.T, status int, body string, headers ...string) *overshoot.Error {
	t.Helper()
	_, err := answering(t, status, body, headers...).Chat(t.Context(), "", question())
	e, ok := errors.AsType[*overshoot.Error](err)
	if !ok {
		t.Fatalf("status %d gives %v", status, err)
	}
	return e
}

func TestEnvelopes(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		want   overshoot.Error
	}{
		"plain": {404, `{"detail":"Stream not found"}`, overshoot.Error{Message: "Stream not found"}},
		"chat": {
			410, `{"detail":{"error":{"message":"frame 40 left the window","type":"stream_error","code":"frame_evicted","upstream":null}}}`,
			overshoot.Error{Code: "frame_evicted", Type: "stream_error", Message: "frame 40 left the window"},
		},
		"chat, upstream": {
			502, `{"detail":{"error":{"message":"provider refused","type":"upstream_error","code":"upstream_http_500",
			 "upstream":{"provider":"google","status":500,"body":{},"rate_limits":null}}}}`,
			overshoot.Error{Code: "upstream_http_500", Type: "upstream_error", Message: "provider refused", UpstreamStatus: 500},
		},
		"region": {
			409, `{"detail":{"error":"region_error","expected_region":"us-west1","requested_region":"us-central1"}}`,
			overshoot.Error{Code: "region_error", ExpectedRegion: "us-west1"},
		},
		"validation": {
			422, `{"error":"validation_error","message":"bad request","details":[
			 {"loc":["body","messages",0],"msg":"field required","type":"missing"},{"loc":[],"msg":"too long"}]}`,
			overshoot.Error{Code: "validation_error", Message: "bad request: body.messages.0: field required; too long"},
		},
		"framework": {
			422, `{"detail":[{"loc":["body","model"],"msg":"field required","type":"missing"},7]}`,
			overshoot.Error{Message: "body.model: field required"},
		},
		"v0.2": {
			402, `{"error":"insufficient_credits","message":"balance is zero","request_id":"rq-19","details":null}`,
			overshoot.Error{Code: "insufficient_credits", Message: "balance is zero"},
		},
		"of other providers": {
			400, `{"error":{"message":"no such parameter","type":"invalid_request_error","code":null}}`,
			overshoot.Error{Type: "invalid_request_error", Message: "no such parameter"},
		},
		"empty":         {502, ``, overshoot.Error{}},
		"plain text":    {502, "upstream\r\n\x1b[31mdown\x00", overshoot.Error{Message: "upstream [31mdown"}},
		"HTML":          {503, "<html>\n <h1>Sorry</h1>", overshoot.Error{Message: "<html> <h1>Sorry</h1>"}},
		"strange JSON":  {500, `{"detail":{"error":{"code":7}},"x":1}`, overshoot.Error{Message: `{"detail":{"error":{"code":7}},"x":1}`}},
		"JSON string":   {500, `"down"`, overshoot.Error{Message: `"down"`}},
		"not UTF-8":     {500, "caf\xe9", overshoot.Error{Message: "caf\uFFFD"}},
		"right-to-left": {500, "a\u202Eb", overshoot.Error{Message: "a b"}},
	} {
		t.Run(name, func(t *testing.T) {
			want := tc.want
			want.Op, want.Status = overshoot.OpChat, tc.status
			if got := *failing(t, tc.status, tc.body); got != want {
				t.Errorf("got  %#v\nwant %#v", got, want)
			}
		})
	}
}

func TestMessagesAreCut(t *testing.T) {
	for _, body := range []string{strings.Repeat("ü", 5000), `{"detail":"` + strings.Repeat("x", 5000) + `"}`} {
		message := failing(t, 500, body).Message
		if n := utf8.RuneCountInString(message); n != 300 || !strings.HasSuffix(message, "…") {
			t.Errorf("the message has %d characters: %s", n, message)
		}
	}
}

func TestKindsOfStatus(t *testing.T) {
	for status, want := range map[int]overshoot.Kind{
		301: overshoot.KindMalformed,
		400: overshoot.KindInvalid, 401: overshoot.KindUnauthorized, 402: overshoot.KindPayment, 403: overshoot.KindForbidden,
		404: overshoot.KindNotFound, 405: overshoot.KindInvalid, 408: overshoot.KindTimeout, 409: overshoot.KindConflict,
		410: overshoot.KindGone, 418: overshoot.KindInvalid, 422: overshoot.KindInvalid, 429: overshoot.KindRateLimited,
		500: overshoot.KindServer, 502: overshoot.KindServer, 503: overshoot.KindUnavailable, 504: overshoot.KindServer,
		599: overshoot.KindServer, 999: overshoot.KindServer,
	} {
		e := failing(t, status, "")
		if e.Kind() != want {
			t.Errorf("status %d is %q, want %q", status, e.Kind(), want)
		}
		if overshoot.KindOf(fmt.Errorf("wrapped: %w", e)) != want {
			t.Errorf("status %d loses its kind when wrapped", status)
		}
	}
	if overshoot.KindOf(nil) != overshoot.KindNone || overshoot.KindOf(errors.New("foreign")) != overshoot.KindNone {
		t.Error("foreign errors have a kind")
	}
}

func TestErrorTexts(t *testing.T) {
	for want, err := range map[string]error{
		"overshoot: chat: 401 unauthorized: no such key: check the API key":         failing(t, 401, `{"detail":"no such key"}`),
		"overshoot: chat: 402 billing_denied: add credit to the account":            failing(t, 402, `{"detail":{"error":{"code":"billing_denied"}}}`),
		"overshoot: chat: 302 malformed: check the base URL":                        failing(t, 302, ``, "Location", "https://evil.example.test"),
		"overshoot: chat: 503 unavailable: draining":                                failing(t, 503, `{"detail":"draining"}`),
		"overshoot: keepalive: invalid: not a stream id":                            func() error { _, err := newClient(t, nil).Keepalive(t.Context(), "", ""); return err }(),
		"overshoot: create: 404 not_found: Not Found: check the base URL":           func() error { _, err := answering(t, 404, `{"detail":"Not Found"}`).Create(t.Context()); return err }(),
		"overshoot: chat: 200 malformed: the answer has no choices":                 func() error { _, err := answering(t, 200, `{}`).Chat(t.Context(), "", question()); return err }(),
		"overshoot: chat: 200 length: the answer has no content":                    failing(t, 200, `{"choices":[{"message":{"content":""},"finish_reason":"length"}]}`),
		"overshoot: chat: 200 malformed: unexpected end of JSON input":              failing(t, 200, `{"choices":[`),
		"overshoot: chat: canceled: context canceled":                               canceled(t),
		"overshoot: chat: timeout: context deadline exceeded":                       expired(t),
		"overshoot: balance: unauthorized: the API key is empty: check the API key": keyless(t),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
}

func canceled(t *testing.T) error {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := answering(t, 200, answer(`"yes"`)).Chat(ctx, "", question())
	if !errors.Is(err, context.Canceled) || overshoot.ActionOf(err) != overshoot.ActionNone {
		t.Errorf("action %q of %v", overshoot.ActionOf(err), err)
	}
	return err
}

func expired(t *testing.T) error {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	_, err := answering(t, 200, answer(`"yes"`)).Chat(ctx, "", question())
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("not the caller's deadline: %v", err)
	}
	return err
}

func keyless(t *testing.T) error {
	client, err := overshoot.New(overshoot.Options{BaseURL: "http://127.0.0.1", Key: func() (string, error) { return "", nil }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Balance(t.Context())
	return err
}

func TestDelays(t *testing.T) {
	const date = "Tue, 10 Nov 2026 08:00:00 GMT"
	for name, tc := range map[string]struct {
		status      int
		retryAfter  string
		date        string
		said, delay time.Duration
	}{
		"seconds":               {429, "7", date, 7 * time.Second, 7 * time.Second},
		"zero":                  {429, "0", date, 0, time.Second},
		"an hour":               {429, "3600", date, time.Hour, 5 * time.Minute},
		"endless":               {429, "99999999999999999999999", date, 24 * time.Hour, 5 * time.Minute},
		"date":                  {429, "Tue, 10 Nov 2026 08:00:30 GMT", date, 30 * time.Second, 30 * time.Second},
		"date in the past":      {429, "Tue, 10 Nov 2026 07:00:00 GMT", date, 0, time.Second},
		"date in 999 years":     {503, "Tue, 10 Nov 3025 08:00:00 GMT", date, 1<<63 - 1, 5 * time.Minute},
		"garbage":               {429, "soon", date, 0, time.Second},
		"negative":              {429, "-5", date, 0, time.Second},
		"fraction":              {429, "1.5", date, 0, time.Second},
		"missing":               {429, "", date, 0, time.Second},
		"unavailable":           {503, "2", date, 2 * time.Second, 2 * time.Second},
		"unavailable, not said": {503, "", date, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := failing(t, tc.status, "", "Retry-After", tc.retryAfter, "Date", tc.date)
			if e.RetryAfter != tc.said || e.Delay() != tc.delay {
				t.Errorf("said %v, delay %v; want %v, %v", e.RetryAfter, e.Delay(), tc.said, tc.delay)
			}
		})
	}
}

func TestOutcomes(t *testing.T) {
	refused, err := overshoot.New(overshoot.Options{
		BaseURL: "http://127.0.0.1:1", // nobody listens there
		Key:     func() (string, error) { return testKey, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	dropped := newClient(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	for name, tc := range map[string]struct {
		client  *overshoot.Client
		kind    overshoot.Kind
		unknown bool
	}{
		"connection refused": {refused, overshoot.KindNetwork, false},
		"connection dropped": {dropped, overshoot.KindNetwork, true},
		"answer cut":         {answering(t, 201, created[:50]), overshoot.KindMalformed, true},
		"body cut":           {answering(t, 201, created, "Content-Length", "9000"), overshoot.KindMalformed, true},
		"500":                {answering(t, 500, ""), overshoot.KindServer, true},
		"504":                {answering(t, 504, ""), overshoot.KindServer, true},
		"redirect":           {answering(t, 302, ""), overshoot.KindMalformed, false},
		"503":                {answering(t, 503, ""), overshoot.KindUnavailable, false},
		"429":                {answering(t, 429, ""), overshoot.KindRateLimited, false},
		"402":                {answering(t, 402, ""), overshoot.KindPayment, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := tc.client.Create(t.Context())
			wantKind(t, err, tc.kind)
			e, _ := errors.AsType[*overshoot.Error](err)
			if e.OutcomeUnknown() != tc.unknown {
				t.Errorf("outcome unknown is %v, want %v: %v", e.OutcomeUnknown(), tc.unknown, err)
			}
		})
	}
}

package overshoot

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// FuzzDecode gives the same strange body to every decoder. None may panic, and what
// they accept has to keep the promises of the types.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `[]`, `{}`, `{"id":"s1","ttl_seconds":300,"publish":{"type":"livekit","url":"wss://x","token":"t"}}`,
		`{"id":"s1","state":"active","last_frame_at_ms":1e300,"recent_fps":-0.5,"end_reason":"a\u0000b"}`,
		`{"id":"s1","ttl_seconds":1e-300,"publish":null}`,
		`{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],"usage":{"total_tokens":-1e400}}`,
		`{"data":[{"id":"m","status":"ready"}]}`, `[{"model":"m","ready":true}]`,
		`[{"model":"m","input_microcents_per_token":1,"output_microcents_per_token":2}]`, `{"balance_microcents":1.5}`,
		`{"detail":"x"}`, `{"detail":[{"loc":["a",1,null],"msg":"m"}]}`,
		`{"detail":{"error":{"message":"m","code":"upstream_http_500","upstream":{"status":1e300}}}}`,
		`{"detail":{"error":"region_error","expected_region":"us-west1"}}`,
		`{"error":"e","message":"m","details":{"x":[]}}`, `<html>`, `[[[[[[[[[[`, "\xff\xfe",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(decodeAll)
}

// A test of its own, as the fuzzer would spend its time on making such a body shorter.
func TestDecodeDeepNesting(t *testing.T) {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	decodeAll(t, []byte(deep))
	for _, name := range []string{"id", "publish", "choices", "usage", "data", "detail", "error", "details"} {
		decodeAll(t, []byte(`{"`+name+`":`+deep+`}`))
		decodeAll(t, []byte(strings.Repeat(`{"`+name+`":`, 20_000)+"7"+strings.Repeat("}", 20_000)))
	}
}

func decodeAll(t *testing.T, body []byte) {
	stream, err := decodeStream(reply{body: body}, "")
	if err == nil && (!isStreamID(stream.ID) || stream.TTL <= 0 || stream.TTL > maxSpan || stream.Grant.Token == "") {
		t.Errorf("accepted %+v", stream)
	}
	if stream.ID != "" && !isStreamID(stream.ID) {
		t.Errorf("an id that cannot be deleted: %q", stream.ID)
	}
	if state, err := decodeState(reply{body: body}, ""); err == nil && (!isStreamID(state.ID) || !printable(state.EndReason)) {
		t.Errorf("accepted %+v", state)
	}
	if answer, err := decodeAnswer(reply{body: body}); err == nil && strings.TrimSpace(answer.Content) == "" {
		t.Errorf("accepted %+v", answer)
	}
	if models, err := decodeModels(body); err == nil && models == nil {
		t.Error("accepted a list of models that is none")
	}
	_, _ = decodePricing(body)
	_, _ = decodeBalance(body)

	said := decodeEnvelope(body)
	if said.expectedRegion != "" && !isWord(said.expectedRegion, maxRegion) {
		t.Errorf("a region unfit for a header: %q", said.expectedRegion)
	}
	if message := clean(said.message); utf8.RuneCountInString(message) > maxMessage || !printable(message) {
		t.Errorf("a message unfit for a log: %q", message)
	}
	e := &Error{Op: OpChat, Status: 502, Code: said.code, UpstreamStatus: said.upstreamStatus}
	_ = e.Error()
	_ = e.Action()
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func FuzzRetryAfter(f *testing.F) {
	const date = "Tue, 10 Nov 2026 08:00:00 GMT"
	for _, seed := range []string{"", "0", "1", "3600", "-1", "1.5", "1e9", "18446744073709551616", "soon", date, "Tue, 10 Nov 2026 08:00:30 GMT"} {
		f.Add(seed, date)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		e := &Error{Status: http.StatusTooManyRequests, RetryAfter: retry.After(http.Header{
			"Retry-After": {value}, "Date": {date},
		})}
		if e.RetryAfter < 0 {
			t.Errorf("asks to wait %v", e.RetryAfter)
		}
		if d := e.Delay(); d < time.Second || d > 5*time.Minute {
			t.Errorf("delay of %v", d)
		}
	})
}

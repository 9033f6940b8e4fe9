package fault

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func ptr[T any](v T) *T { return &v }

func TestStrikeMatchesSkipsAndCounts(t *testing.T) {
	tests := []struct {
		name string
		rule Rule
		call Call
		want string // one letter for each of six calls: x struck, - spared
	}{
		{"once", Rule{}, Call{Op: "get"}, "x-----"},
		{"twice after two", Rule{Skip: 2, Times: ptr(2)}, Call{Op: "get"}, "--xx--"},
		{"for ever", Rule{Times: ptr(-1)}, Call{}, "xxxxxx"},
		{"never", Rule{Times: ptr(-1), Probability: ptr(0.0)}, Call{}, "------"},
		{"other op", Rule{Op: "create", Times: ptr(-1)}, Call{Op: "get"}, "------"},
		{"other key", Rule{Key: "a", Times: ptr(-1)}, Call{Key: "b"}, "------"},
		{"stream among several", Rule{Stream: "s2", Times: ptr(1)}, Call{Streams: []string{"s1", "s2"}}, "x-----"},
		{"other camera", Rule{Camera: "dock", Times: ptr(1)}, Call{Cameras: []string{"yard"}}, "------"},
	}
	for _, test := range tests {
		var book Book
		book.Add(test.rule)
		got := ""
		for range 6 {
			if _, _, struck := book.Strike(test.call); struck {
				got += "x"
			} else {
				got += "-"
			}
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	strikes := func(seed uint64) (count int, pattern string) {
		var book Book
		book.Add(Rule{Times: ptr(-1), Probability: ptr(0.6), Seed: seed})
		for range 500 {
			if _, _, struck := book.Strike(Call{}); struck {
				count++
				pattern += "x"
			} else {
				pattern += "-"
			}
		}
		return count, pattern
	}
	count, first := strikes(7)
	_, again := strikes(7)
	_, other := strikes(8)
	if count < 250 || count > 350 || first != again || first == other {
		t.Errorf("%d of 500 struck; same seed same pattern: %v, other seed other pattern: %v", count, first == again, first != other)
	}
}

func TestRulesAreListedAndRemoved(t *testing.T) {
	var book Book
	first, second := book.Add(Rule{Op: "get"}), book.Add(Rule{})
	book.Strike(Call{Op: "get"})
	list := book.List()
	if len(list) != 2 || list[0].ID != first || list[0].Struck != 1 || list[1].Struck != 0 {
		t.Errorf("list: %+v", list)
	}
	if !book.Remove(first) || book.Remove(first) {
		t.Error("a rule can be removed once")
	}
	book.Clear()
	if _, _, struck := book.Strike(Call{}); struck || book.Remove(second) {
		t.Error("a rule survived Clear")
	}
}

func TestCheck(t *testing.T) {
	operations := []string{"create", "get"}
	for _, rule := range []Rule{
		{Op: "create", Status: 503},
		{DelayMS: 10, AfterEffect: true},
		{Hang: true},
		{Body: json.RawMessage(`""`)},
		{Status: 200, Headers: map[string]string{"Retry-After": "3"}, Times: ptr(-1), Probability: ptr(1.0)},
	} {
		if err := rule.Check(operations); err != nil {
			t.Errorf("%+v: %v", rule, err)
		}
	}
	for _, rule := range []Rule{
		{},
		{Op: "destroy", Status: 500},
		{Status: 99},
		{Status: 600},
		{Status: 500, Times: ptr(-2)},
		{Status: 500, Probability: ptr(1.5)},
		{DelayMS: -1},
	} {
		if rule.Check(operations) == nil {
			t.Errorf("%+v was taken", rule)
		}
	}
}

// serve runs a server that answers every call by the rule, over a service that says {"real":true} with status 201.
func serve(t *testing.T, rule Rule) (url string, effects *atomic.Int32) {
	t.Helper()
	effects = new(atomic.Int32)
	next := func(w http.ResponseWriter, _ *http.Request) {
		effects.Add(1)
		w.Header().Set("X-Real", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"real":true}`)
	}
	envelope := func(int) []byte { return []byte(`{"detail":"spoiled"}`) }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { rule.Serve(w, r, next, envelope) }))
	t.Cleanup(server.Close)
	return server.URL, effects
}

func get(url string) (*http.Response, string, error) {
	response, err := http.Get(url)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

func TestServe(t *testing.T) {
	tests := []struct {
		name    string
		rule    Rule
		status  int
		body    string
		header  string // X-Real
		effects int32
	}{
		{"refusal", Rule{Status: 503}, 503, `{"detail":"spoiled"}`, "", 0},
		{"refusal after the effect", Rule{Status: 500, AfterEffect: true}, 500, `{"detail":"spoiled"}`, "", 1},
		{"text body", Rule{Status: 502, Body: json.RawMessage(`"<html>bad gateway</html>"`)}, 502, "<html>bad gateway</html>", "", 0},
		{"empty body", Rule{Status: 500, Body: json.RawMessage(`""`)}, 500, "", "", 0},
		{"JSON body", Rule{Body: json.RawMessage(`{"x":[1]}`)}, 200, `{"x":[1]}`, "", 0},
		{"header only", Rule{Headers: map[string]string{"X-Real": "no"}, DelayMS: 1}, 201, `{"real":true}`, "yes", 1},
		{"delay after the effect", Rule{DelayMS: 1, AfterEffect: true}, 201, `{"real":true}`, "yes", 1},
		{"dripping", Rule{SlowLoris: 1000}, 201, `{"real":true}`, "yes", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			url, effects := serve(t, test.rule)
			response, body, err := get(url)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != test.status || body != test.body || response.Header.Get("X-Real") != test.header || effects.Load() != test.effects {
				t.Errorf("got %d %q, X-Real %q, %d effects", response.StatusCode, body, response.Header.Get("X-Real"), effects.Load())
			}
		})
	}
}

func TestTruncatedBodyEndsBeforeItsLength(t *testing.T) {
	url, effects := serve(t, Rule{TruncateBodyBytes: 5})
	response, body, err := get(url)
	if err == nil || body != `{"rea` || response.ContentLength != 13 || effects.Load() != 1 {
		t.Errorf("got %q, length %d, error %v", body, response.ContentLength, err)
	}
}

func TestBigBody(t *testing.T) {
	const size = 3 << 20
	url, _ := serve(t, Rule{BodyBytes: size})
	_, body, err := get(url)
	if err != nil || len(body) < size || !json.Valid([]byte(body)) {
		t.Errorf("got %d bytes, %v", len(body), err)
	}
}

func TestHangupAnswersNothing(t *testing.T) {
	url, effects := serve(t, Rule{Hangup: true, AfterEffect: true})
	if response, _, err := get(url); err == nil || effects.Load() != 1 {
		t.Errorf("got %v, %d effects", response, effects.Load())
	}
}

func TestHangLastsUntilTheClientLeaves(t *testing.T) {
	left := make(chan struct{})
	rule := Rule{Hang: true}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule.Serve(w, r, func(http.ResponseWriter, *http.Request) { t.Error("the call was carried out") }, nil)
		close(left)
	}))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := http.DefaultClient.Do(request); err == nil {
		t.Error("the call was answered")
	}
	<-left
}

// Of a body that drips at 10 bytes per second every byte comes 100 ms after the one before.
func TestDripKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, out := io.Pipe()
		go func() {
			drip(t.Context(), pipeWriter{out}, []byte("abcde"), 10)
			_ = out.Close()
		}()
		start, reader := time.Now(), bufio.NewReader(in)
		for i := range 5 {
			b, err := reader.ReadByte()
			if want := time.Duration(i) * 100 * time.Millisecond; err != nil || b != "abcde"[i] || time.Since(start) != want {
				t.Errorf("byte %d: %q after %v, want after %v (%v)", i, b, time.Since(start), want, err)
			}
		}
		if _, err := reader.ReadByte(); err != io.EOF {
			t.Error(err)
		}
	})
}

// pipeWriter is a ResponseWriter into a pipe.
type pipeWriter struct{ *io.PipeWriter }

func (pipeWriter) Header() http.Header { return http.Header{} }
func (pipeWriter) WriteHeader(int)     {}
func (pipeWriter) Flush()              {}

func TestEveryFieldOfARuleIsKnownByItsJSONName(t *testing.T) {
	const text = `{"op":"chat","key":"main","stream":"s","camera":"dock","skip":1,"times":-1,"probability":0.5,"seed":9,"status":500,
		"body":{"a":1},"headers":{"A":"b"},"delay_ms":1,"hang":true,"hangup":true,"truncate_body_bytes":3,"slow_loris":4,"body_bytes":5,"after_effect":true}`
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	var rule Rule
	if err := decoder.Decode(&rule); err != nil || rule.Check([]string{"chat"}) != nil {
		t.Errorf("%v, %v", err, rule.Check([]string{"chat"}))
	}
}

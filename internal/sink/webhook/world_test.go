package webhook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// request is what a receiver got.
type request struct {
	*http.Request
	body string
}

// receiver is a real HTTP server that keeps what it gets and answers what the test wants.
type receiver struct {
	*httptest.Server
	answer func(w http.ResponseWriter, r request) // nil: 204

	mu  sync.Mutex
	got []request
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sink has hung up
	}
	got := request{req, string(body)}
	r.mu.Lock()
	r.got = append(r.got, got)
	r.mu.Unlock()
	if r.answer == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	r.answer(w, got)
}

func (r *receiver) requests() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]request(nil), r.got...)
}

// only returns the one request there was.
func (r *receiver) only(t *testing.T) request {
	t.Helper()
	got := r.requests()
	if len(got) != 1 {
		t.Fatalf("got %d requests", len(got))
	}
	return got[0]
}

func listen(t *testing.T, answer func(w http.ResponseWriter, r request)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// says answers each request alike.
func says(code int, body string, header ...string) func(http.ResponseWriter, request) {
	return func(w http.ResponseWriter, _ request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func section(t *testing.T, settings string) config.Section {
	t.Helper()
	s, err := config.ParseSection("c.yaml", "type: webhook\n"+settings)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open makes a sink of settings.
func open(t *testing.T, settings string) *webhook.Sink { return openBeside(t, settings, "") }

// openBeside makes a sink of an agent with a status server.
func openBeside(t *testing.T, settings, own string) *webhook.Sink {
	t.Helper()
	c, err := webhook.Decode(section(t, settings))
	if err != nil {
		t.Fatal(err)
	}
	var s sink.Sink = webhook.New(c, own)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*webhook.Sink)
}

func answerOf(id, answer string) result.Result {
	return result.Result{
		ID: id, Sequence: 7, Time: time.Date(2026, 11, 22, 13, 37, 0, 123e6, time.UTC), Agent: "pi", Camera: "door", Watch: "people",
		Labels: map[string]string{"site": "hq"}, StreamID: "s", Model: "m", OK: true, Answer: json.RawMessage(answer), Latency: time.Second,
	}
}

func results(ids ...string) []result.Result {
	var all []result.Result
	for _, id := range ids {
		all = append(all, answerOf(id, `{"people":2}`))
	}
	return all
}

func numbered(n int) []result.Result {
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprint(i))
	}
	return results(ids...)
}

// deliver delivers a batch that must be taken.
func deliver(t *testing.T, s *webhook.Sink, batch ...result.Result) {
	t.Helper()
	if taken, err := s.Deliver(t.Context(), batch); err != nil || taken != len(batch) {
		t.Fatalf("took %d of %d: %v", taken, len(batch), err)
	}
}

// wantError checks that an error is of a kind and says all of the texts.
func wantError(t *testing.T, err error, kind sink.Kind, texts ...string) *sink.Error {
	t.Helper()
	e, ok := errors.AsType[*sink.Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("got %#v: %v, want the kind %v", err, err, kind)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in: %v", text, err)
		}
	}
	return e
}

func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return o
}

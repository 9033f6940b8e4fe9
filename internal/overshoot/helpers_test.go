package overshoot_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

const (
	testKey  = "ovs-canary-key-1234567890"
	streamID = "7d1f0c52-8a3e-4b6d-9a71-0c5e2f9b4d10"
)

// newClient returns a client of a server that answers with the handler.
func newClient(t *testing.T, handler http.HandlerFunc) *overshoot.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := overshoot.New(overshoot.Options{
		BaseURL:   server.URL,
		Key:       func() (string, error) { return testKey, nil },
		UserAgent: "overshoot-agent/test",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// answering returns a client whose server always gives the same answer. Headers
// come as name, value, name, value.
func answering(t *testing.T, status int, body string, headers ...string) *overshoot.Client {
	t.Helper()
	return newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	})
}

// recorder notes the calls it gets, each as "METHOD path region".
type recorder struct {
	calls []string
}

func (r *recorder) note(req *http.Request) {
	r.calls = append(r.calls, fmt.Sprintf("%s %s %s", req.Method, req.URL.EscapedPath(), req.Header.Get("X-Overshoot-Region")))
}

func wantKind(t *testing.T, err error, want overshoot.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %q", want)
	}
	if got := overshoot.KindOf(err); got != want {
		t.Fatalf("kind is %q, want %q, of: %v", got, want, err)
	}
}

func question() overshoot.ChatRequest {
	return overshoot.ChatRequest{Model: "google/gemma-4-26B-A4B-it", Prompt: "How many?", MaxTokens: 8}
}

package livekit

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAnyAnswerMeansThatSomebodyIsThere(t *testing.T) {
	for _, status := range []int{200, 301, 401, 404, 502} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/prefix/rtc/validate" || r.Header.Get("Authorization") != "" || r.URL.RawQuery != "" {
				t.Errorf("asked for %s with %v", r.URL, r.Header)
			}
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.WriteHeader(status)
		}))
		if err := knock(t.Context(), "ws"+strings.TrimPrefix(server.URL, "http")+"/prefix/"); err != nil {
			t.Errorf("status %d: %v", status, err)
		}
		server.Close()
	}
}

func TestKnockingAtAServerThatIsNotThereOrSaysNothingFails(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and nobody looks at them
	if err != nil {
		t.Fatal(err)
	}
	room := "ws://" + listener.Addr().String()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errTestPatience)
	defer cancel()
	if err := knock(ctx, room); err != errTestPatience {
		t.Errorf("silent server: %v", err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := knock(t.Context(), room); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("no server: %v", err)
	}
	if err := knock(t.Context(), "ws://\x7f"); err == nil {
		t.Error("an address that is none was taken")
	}
}

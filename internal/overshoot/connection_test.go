package overshoot

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func getStream(ctx context.Context, c *Client) error {
	_, err := c.Get(ctx, "s1", "")
	return err
}

// silent hears everything and says nothing.
func silent(conn net.Conn) { io.Copy(io.Discard, conn) }

func TestServersThatSayNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		call func(context.Context, *Client) error
		want time.Duration
	}{
		"get":    {getStream, 10 * time.Second},
		"delete": {func(ctx context.Context, c *Client) error { return c.Delete(ctx, "s1", "") }, 10 * time.Second},
		"chat": {func(ctx context.Context, c *Client) error {
			_, err := c.Chat(ctx, "", ChatRequest{Model: "m", Prompt: "p", MaxTokens: 1})
			return err
		}, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := pipeClient(t, silent)
				start := time.Now()
				if err := tc.call(t.Context(), client); KindOf(err) != KindTimeout || time.Since(start) != tc.want {
					t.Errorf("after %v: %v", time.Since(start), err)
				}
			})
		})
	}
}

// A router that forgot all connections makes them silent, not closed. The first call
// cannot know; the next must not try the other dead ones in turn.
func TestConnectionsThatDiedSilentlyCostOneTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = 4
		var opened atomic.Int32
		client := pipeClient(t, func(conn net.Conn) {
			mortal := opened.Add(1) <= idle
			for from := bufio.NewReader(conn); ; {
				if _, err := http.ReadRequest(from); err != nil {
					return
				}
				time.Sleep(time.Second) // so that calls at the same time need a connection each
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n"+`{"id":"s1","state":"active"}`)
				if mortal {
					silent(conn)
					return
				}
			}
		})
		var calls sync.WaitGroup
		for range idle {
			calls.Go(func() {
				if err := getStream(t.Context(), client); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if opened.Load() != idle {
			t.Fatalf("%d connections are open, want %d", opened.Load(), idle)
		}
		start := time.Now()
		if err := getStream(t.Context(), client); KindOf(err) != KindTimeout {
			t.Errorf("on a dead connection: %v", err)
		}
		for range idle {
			if err := getStream(t.Context(), client); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(start); took != headerTimeout+idle*time.Second {
			t.Errorf("%d calls after the first took %v", idle, took-headerTimeout)
		}
		if opened.Load() != idle+1 {
			t.Errorf("%d connections were opened, want one after the %d dead ones", opened.Load(), idle)
		}
	})
}

// A caller that gives up says nothing about the network.
func TestGivingUpKeepsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var opened atomic.Int32
		client := pipeClient(t, func(conn net.Conn) {
			opened.Add(1)
			for from := bufio.NewReader(conn); ; {
				if _, err := http.ReadRequest(from); err != nil {
					return
				}
				time.Sleep(time.Second)
				io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n"+`{"id":"s1","state":"active"}`)
			}
		})
		var calls sync.WaitGroup
		for range 2 {
			calls.Go(func() { getStream(t.Context(), client) })
		}
		calls.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if err := getStream(ctx, client); KindOf(err) != KindCanceled {
			t.Error(err)
		}
		if err := getStream(t.Context(), client); err != nil || opened.Load() != 2 {
			t.Errorf("%d connections were opened: %v", opened.Load(), err)
		}
	})
}

func TestLargeRefusalsAreReadInPart(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		io.Copy(w, io.LimitReader(endless('x'), 100<<20))
	}))
	defer server.Close()
	client := clientOf(t, server.URL, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := getStream(t.Context(), client)
	runtime.ReadMemStats(&after)
	if KindOf(err) != KindServer {
		t.Errorf("got %v", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
		t.Errorf("reading it took %d bytes of memory", grown)
	}
}

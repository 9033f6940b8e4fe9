package overshoot

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// limitsKey has no form by which it could be recognised: keys are opaque.
const limitsKey = "limits.key+1234567890/="

func clientOf(t *testing.T, base string, transport http.RoundTripper) *Client {
	t.Helper()
	client, err := New(Options{
		BaseURL: base, Transport: transport,
		Key: func() (string, error) { return limitsKey, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// pipeClient returns a client with the real transport, but for a connection in
// memory whose far end is served by the function. It works under synctest.
func pipeClient(t *testing.T, serve func(net.Conn)) *Client {
	t.Helper()
	var servers sync.WaitGroup
	t.Cleanup(servers.Wait) // runs after the client was closed
	transport := newTransport()
	transport.Proxy = nil
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		servers.Go(func() {
			defer far.Close()
			serve(far)
		})
		return near, nil
	}
	return clientOf(t, "http://api.example.test", transport)
}

// drip writes the text once and then one byte a second until the far side is gone.
func drip(text string) func(net.Conn) {
	return func(conn net.Conn) {
		request, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, request.Body); err != nil {
			return
		}
		_, err = io.WriteString(conn, text)
		for err == nil {
			time.Sleep(time.Second)
			_, err = io.WriteString(conn, "x")
		}
	}
}

func TestSlowServers(t *testing.T) {
	create := func(ctx context.Context, c *Client) error { _, err := c.Create(ctx); return err }
	chat := func(ctx context.Context, c *Client) error {
		_, err := c.Chat(ctx, "", ChatRequest{Model: "m", Prompt: "p", MaxTokens: 1})
		return err
	}
	for name, tc := range map[string]struct {
		answer string
		call   func(context.Context, *Client) error
		want   time.Duration
	}{
		"headers drip":         {"HTTP/1.1 200 OK\r\nX-Slow: ", create, 10 * time.Second},
		"body drips":           {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", create, 15 * time.Second},
		"chat, headers drip":   {"HTTP/1.1 200 OK\r\nX-Slow: ", chat, 30 * time.Second},
		"chat, body drips":     {"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", chat, 30 * time.Second},
		"chat, endless chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n", chat, 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := pipeClient(t, drip(tc.answer))
				start := time.Now()
				err := tc.call(t.Context(), client)
				if KindOf(err) != KindTimeout {
					t.Errorf("not a timeout: %v", err)
				}
				if took := time.Since(start); took != tc.want {
					t.Errorf("gave up after %v, want %v", took, tc.want)
				}
				if errors.Is(err, context.DeadlineExceeded) {
					t.Error("looks as if the caller's context had ended")
				}
				if e, _ := errors.AsType[*Error](err); !e.OutcomeUnknown() {
					t.Error("the request was sent, yet its outcome counts as known")
				}
			})
		})
	}
}

func TestRefusalWithAStallingBodyKeepsItsStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, drip("HTTP/1.1 503 Draining\r\nRetry-After: 3\r\nContent-Length: 1000\r\n\r\n"))
		_, err := client.Create(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind() != KindUnavailable || e.Delay() != 3*time.Second {
			t.Errorf("got %v", err)
		}
	})
}

func TestTheCallersContextEndsACallAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, drip("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		start := time.Now()
		err := client.Delete(ctx, "s1", "")
		if !errors.Is(err, context.DeadlineExceeded) || KindOf(err) != KindTimeout || time.Since(start) != 2*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// One time limit spans all repeats of a call.
func TestRepeatsShareOneTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const body = `{"detail":{"error":"region_error","expected_region":"us-west1"}}`
		client := pipeClient(t, func(conn net.Conn) {
			request, err := http.ReadRequest(bufio.NewReader(conn))
			if err != nil {
				return
			}
			io.Copy(io.Discard, request.Body)
			time.Sleep(9 * time.Second)
			io.WriteString(conn, "HTTP/1.1 409 Conflict\r\nConnection: close\r\n\r\n"+body)
		})
		start := time.Now()
		_, err := client.Keepalive(t.Context(), "s1", "us-central1")
		if KindOf(err) != KindTimeout || time.Since(start) != 15*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A peer that vanished without closing is found by HTTP/2 pings, not only by the
// time limit of the call.
func TestVanishedHTTP2PeerIsNoticed(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := server.TLS.Certificates[0]
	roots := server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs

	synctest.Test(t, func(t *testing.T) {
		client := pipeClient(t, func(conn net.Conn) {
			// A pipe has no buffer: both sides may not write unasked at once, so no tickets.
			secure := tls.Server(conn, &tls.Config{
				Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}, SessionTicketsDisabled: true,
			})
			const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
			emptySettings := []byte{0, 0, 0, 4, 0, 0, 0, 0, 0}
			if _, err := io.ReadFull(secure, make([]byte, len(preface))); err == nil {
				go secure.Write(emptySettings)
				io.Copy(io.Discard, secure) // hears everything, answers nothing
			}
		})
		client.transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: "example.com"}
		client.api = "https://api.example.test/v1beta"
		client.chatTimeout = time.Hour

		start := time.Now()
		_, err := client.Chat(t.Context(), "", ChatRequest{Model: "m", Prompt: "p", MaxTokens: 1})
		if KindOf(err) == KindNone || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		client.Close()
	})
}

func TestLargeAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		size int
		want string
	}{
		"at the limit": {defaultMaxBody, "<nil>"},
		"above it":     {defaultMaxBody + 1, "overshoot: models: 200 malformed: the answer is larger than 1048576 bytes"},
		"100 MB":       {100 << 20, "overshoot: models: 200 malformed: the answer is larger than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			const start, end = `{"data":[],"x":"`, `"}`
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				io.WriteString(w, start)
				io.Copy(w, io.LimitReader(endless('x'), int64(tc.size-len(start)-len(end))))
				io.WriteString(w, end)
			}))
			defer server.Close()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := clientOf(t, server.URL, nil).Models(t.Context())
			runtime.ReadMemStats(&after)
			if got := fmt.Sprint(err); got != tc.want {
				t.Errorf("got %s", got)
			}
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
				t.Errorf("reading it took %d bytes of memory", grown)
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

func TestCompressedAnswersAreNeitherWantedNorUnpacked(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("asked for %s", got)
		}
		var bomb bytes.Buffer
		packer := gzip.NewWriter(&bomb)
		io.Copy(packer, io.LimitReader(endless(' '), 8<<20))
		packer.Close()
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb.Bytes())
	}))
	defer server.Close()
	if _, err := clientOf(t, server.URL, nil).Models(t.Context()); KindOf(err) != KindMalformed {
		t.Errorf("got %v", err)
	}
}

func TestLargeHeadersAreRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("x", 70<<10))
		io.WriteString(w, `[]`)
	}))
	defer server.Close()
	if _, err := clientOf(t, server.URL, nil).Models(t.Context()); KindOf(err) != KindNetwork {
		t.Errorf("got %v", err)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the request followed, with the key %q", r.Header.Get("Authorization"))
	}))
	defer thief.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(thief.URL, status))
		client := clientOf(t, server.URL, nil)
		if _, err := client.Get(t.Context(), "s1", ""); KindOf(err) != KindMalformed {
			t.Errorf("get, %d: %v", status, err)
		}
		if _, err := client.Create(t.Context()); KindOf(err) != KindMalformed {
			t.Errorf("create, %d: %v", status, err)
		}
		server.Close()
	}
}

func TestHTTP2IsUsedWhereOffered(t *testing.T) {
	protocol := 0
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocol = r.ProtoMajor
		io.WriteString(w, `[]`)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	transport := newTransport()
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	if _, err := clientOf(t, server.URL, transport).Models(t.Context()); err != nil || protocol != 2 {
		t.Errorf("HTTP/%d, %v", protocol, err)
	}
}

package livekit

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

var errTestPatience = errors.New("the test lost its patience")

const token = "eyJ.secret.token"

func TestMain(m *testing.M) {
	TakeLogs(zap.NewNop()) // the SDK's logger is global
	os.Exit(m.Run())
}

func newPublisher() *Publisher {
	scrub := func(text string) string { return strings.ReplaceAll(text, token, "<secret>") }
	return &Publisher{Metrics: publish.NewVectors(prometheus.NewRegistry()).Camera("front"), Scrub: scrub}
}

// server answers knocks and hands all that asks for a websocket to take.
func server(t *testing.T, take http.HandlerFunc) (room string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			take(w, r)
			return
		}
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "invalid token: "+r.Header.Get("Authorization"))
	}))
	t.Cleanup(s.Close)
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// upgrade takes a websocket (RFC 6455, 4.2.2).
func upgrade(t *testing.T, w http.ResponseWriter, r *http.Request) net.Conn {
	t.Helper()
	accept := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, buffer, err := http.NewResponseController(w).Hijack()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = buffer.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(accept[:]) + "\r\n\r\n")
	if err := buffer.Flush(); err != nil {
		t.Error(err)
	}
	return conn
}

func TestAJoinThatIsGivenUpClosesItsConnection(t *testing.T) {
	taken, gone := make(chan struct{}), make(chan int, 1)
	room := server(t, func(w http.ResponseWriter, r *http.Request) {
		conn := upgrade(t, w, r)
		defer func() { _ = conn.Close() }()
		close(taken)
		said, _ := io.ReadAll(conn) // says nothing, and waits until the other side goes
		gone <- len(said)
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-taken
		cancel(errTestPatience)
	}()
	_, err := newPublisher().Join(ctx, overshoot.Grant{URL: room, Token: token}, h264.Format{})
	if err == nil || !strings.Contains(err.Error(), errTestPatience.Error()) {
		t.Errorf("joining: %v", err)
	}
	if n := <-gone; n > 0 {
		t.Errorf("the room got %d bytes before the end of the connection", n)
	}
}

func TestATokenThatIsRefusedIsToldApartAndNotShown(t *testing.T) {
	room := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	_, err := newPublisher().Join(t.Context(), overshoot.Grant{URL: room, Token: token}, h264.Format{})
	if !errors.Is(err, publish.ErrGrant) || strings.Contains(err.Error(), "secret.token") {
		t.Errorf("joining: %v", err)
	}
}

func TestANumberInAnAddressIsNoRefusal(t *testing.T) {
	p := newPublisher()
	if err := p.explain(errors.New("dial tcp 127.0.0.1:40125: connect: connection refused")); errors.Is(err, publish.ErrGrant) {
		t.Errorf("taken for a refused token: %v", err)
	}
}

func TestTheLineIsCutWheneverTheConnectionComes(t *testing.T) {
	play := func(t *testing.T, steps func(connect, cancel func(), line *line)) (closed int) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			traced, line := withLine(ctx)
			conn := &conn{}
			connect := func() { httptrace.ContextClientTrace(traced).GotConn(httptrace.GotConnInfo{Conn: conn}) }
			end := func() {
				cancel()
				synctest.Wait()
			}
			steps(connect, end, line)
			closed = conn.closed
		})
		return closed
	}
	if closed := play(t, func(connect, cancel func(), line *line) {
		cancel()
		connect()
		if line.letGo() {
			t.Error("a line that was cut can be kept")
		}
	}); closed != 1 {
		t.Errorf("a connection that came after the end was closed %d times", closed)
	}
	if closed := play(t, func(connect, cancel func(), _ *line) { connect(); cancel() }); closed != 1 {
		t.Errorf("a connection that was there at the end was closed %d times", closed)
	}
	if closed := play(t, func(connect, cancel func(), line *line) {
		connect()
		if !line.letGo() {
			t.Error("a line that was not cut cannot be kept")
		}
		cancel()
	}); closed != 0 {
		t.Errorf("a connection that was let go was closed %d times", closed)
	}
}

// conn is a connection that counts how often it was closed.
type conn struct {
	net.Conn
	closed int
}

func (c *conn) Close() error {
	c.closed++
	return nil
}

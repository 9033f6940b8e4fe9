package webhook_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// raw is a server below HTTP. serve has each connection until the test ends.
func raw(t *testing.T, serve func(net.Conn)) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { _ = conn.Close() })
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

// trickle writes one byte every few milliseconds until nobody listens, and returns how many.
func trickle(w io.Writer) (n int) {
	for ; ; n++ {
		time.Sleep(5 * time.Millisecond)
		if _, err := w.Write([]byte("x")); err != nil {
			return n
		}
	}
}

func TestServersThatHang(t *testing.T) {
	small, large := results("1"), []result.Result{answerOf("1", `"`+strings.Repeat("x", 8<<20)+`"`)} // more than the kernel takes in
	for name, tc := range map[string]struct {
		serve func(net.Conn)
		sent  []result.Result
	}{
		"says nothing":        {func(net.Conn) {}, small},
		"slow headers":        {func(c net.Conn) { _ = trickle(c) }, small},
		"reads, says nothing": {func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }, small},
		"reads slowly": {func(c net.Conn) {
			for one := make([]byte, 1); ; time.Sleep(5 * time.Millisecond) {
				if _, err := c.Read(one); err != nil {
					return
				}
			}
		}, large},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, "url: http://"+raw(t, tc.serve)+"/\ntimeout: 200ms")
			taken, err := s.Deliver(t.Context(), tc.sent)
			if wantError(t, err, sink.Again, "no answer within 200ms"); taken != 0 {
				t.Errorf("took %d", taken)
			}
		})
	}
}

// What counts is the status. A body that never ends must not hold up the next result, nor make a success a failure.
func TestASlowBodyAfterTheStatus(t *testing.T) {
	written := make(chan int, 2)
	slow := func(status string) string {
		return raw(t, func(c net.Conn) {
			if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 "+status+"\r\nContent-Length: 100000\r\n\r\nfirst words ")
			written <- trickle(c)
		})
	}
	deliver(t, open(t, "url: http://"+slow("200 OK")+"/"), results("1")...)
	_, err := open(t, "url: http://"+slow("422 Unprocessable Entity")+"/").Deliver(t.Context(), results("1"))
	wantError(t, err, sink.Refused, "422 Unprocessable Entity: first words x")
	for range 2 {
		if n := <-written; n > 1000 { // one second has 200 of them, the timeout of 15 s has 3000
			t.Errorf("it waited for %d bytes", n)
		}
	}
}

func TestTheCallerBreaksItOff(t *testing.T) {
	why := errors.New("the agent stops")
	for name, serve := range map[string]func(net.Conn){
		"before the answer": func(net.Conn) {},
		"while connecting":  nil,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			address := raw(t, func(c net.Conn) {
				if cancel(why); serve != nil {
					serve(c)
				}
			})
			if serve == nil {
				cancel(why)
			}
			taken, err := open(t, "url: http://"+address+"/").Deliver(ctx, results("1"))
			if taken != 0 || !errors.Is(err, why) {
				t.Errorf("took %d: %v", taken, err)
			}
			if _, ok := errors.AsType[*sink.Error](err); ok {
				t.Error("it counts as a failure of the far side")
			}
		})
	}
}

func TestServersThatAreNotThere(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	for name, tc := range map[string]struct{ url, text string }{
		"nobody listens": {"http://" + closed.Addr().String(), "connection refused"},
		"hangs up":       {"http://" + raw(t, func(c net.Conn) { _ = c.Close() }), ""},
		"no HTTP": {"http://" + raw(t, func(c net.Conn) {
			_, _ = http.ReadRequest(bufio.NewReader(c))
			_, _ = io.WriteString(c, "SSH-2.0-OpenSSH_9.2\r\n\r\n")
		}), "malformed HTTP"},
		"no TLS": {"https://" + raw(t, func(c net.Conn) { _, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n") }), "does not speak TLS at this port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, "url: "+tc.url+"/canary?canary=1").Deliver(t.Context(), results("1"))
			wantError(t, err, sink.Again, "POST "+tc.url+": ", tc.text)
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("it shows the address: %v", err)
			}
		})
	}
}

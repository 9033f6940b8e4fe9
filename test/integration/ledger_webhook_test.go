package integration

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A hook is the far side of a webhook sink: an HTTP server of which the test says what it answers, and when it is there at all.
type hook struct {
	t    *testing.T
	got  *arrivals
	port int
	held int // a socket that keeps the port ours while nobody listens there

	mu       sync.Mutex
	answer   answerer
	server   *http.Server
	requests int
}

// A reply is what a hook does with a request. With a status below 300 it has taken the results.
type reply struct {
	status  int
	headers map[string]string
	perByte time.Duration // for each byte of the request to be read, and of the answer to be written
	hang    bool          // nothing is answered
}

// An answerer decides about a request by the ids of its results. It is called for one request at a time.
type answerer func(ids []string) reply

func always(r reply) answerer { return func([]string) reply { return r } }

var takes = always(reply{status: http.StatusNoContent})

// hook makes a webhook sink known, and starts its far side, which takes everything.
func (l *ledger) hook(name string) *hook {
	l.t.Helper()
	h := &hook{t: l.t, got: l.sink(name), answer: takes}
	h.hold()
	h.up()
	l.t.Cleanup(func() {
		h.down()
		_ = unix.Close(h.held)
	})
	return h
}

func (h *hook) url() string { return fmt.Sprintf("http://127.0.0.1:%d/results", h.port) }

// hold takes a port without listening there.
func (h *hook) hold() {
	h.t.Helper()
	var err error
	h.held, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(h.t, err)
	must(h.t, unix.SetsockoptInt(h.held, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1))
	must(h.t, unix.Bind(h.held, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := unix.Getsockname(h.held)
	must(h.t, err)
	h.port = name.(*unix.SockaddrInet4).Port
}

// up makes the far side listen.
func (h *hook) up() {
	h.t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		return c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	}}
	listener, err := config.Listen(context.Background(), "tcp4", fmt.Sprintf("127.0.0.1:%d", h.port))
	must(h.t, err)
	server := &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.server = server
	go func() { _ = server.Serve(listener) }()
}

// down ends it: connections are reset, and refused from now on.
func (h *hook) down() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.server != nil {
		_ = h.server.Close()
		h.server = nil
	}
}

// answers says what is answered from now on.
func (h *hook) answers(a answerer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = a
}

// asked tells how many requests there were.
func (h *hook) asked() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests
}

// ServeHTTP implements http.Handler.
func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the agent hung up
	}
	results, broken := readArrivals(body)
	a := h.decide(results)
	switch {
	case a.hang:
		<-r.Context().Done()
		return
	case a.perByte > 0:
		h.crawl(w, r, len(body), a)
		return
	case a.status < 300:
		h.got.add(results, broken) // before the answer: the agent may be killed when it has it
	}
	for name, value := range a.headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
}

func (h *hook) decide(results []arrival) reply {
	var ids []string
	for _, r := range results {
		ids = append(ids, r.id)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.requests++
	return h.answer(ids)
}

// crawl lets a request and its answer pass byte by byte, and gives up when the agent does.
func (h *hook) crawl(w http.ResponseWriter, r *http.Request, size int, a reply) {
	line := fmt.Appendf(nil, "HTTP/1.1 %d %s\r\n", a.status, http.StatusText(a.status))
	for range size {
		select {
		case <-time.After(a.perByte):
		case <-r.Context().Done():
			return
		}
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	for i := range line {
		if _, err := conn.Write(line[i : i+1]); err != nil {
			return
		}
		time.Sleep(a.perByte)
	}
}

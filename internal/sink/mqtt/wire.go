package mqtt

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// writing bounds one write. A broker that reads nothing for so long is gone.
const writing = 15 * time.Second

// A wire is a connection on which packets of several goroutines do not mix: the library locks it for each packet, and what it writes goes
// out in one piece at the end.
type wire struct {
	net.Conn
	mu  sync.Mutex
	out *bufio.Writer

	busy atomic.Bool // a write is under way
	bad  atomic.Bool // a write has failed
}

// newWire returns nil for no connection.
func newWire(conn net.Conn) *wire {
	if conn == nil {
		return nil
	}
	w := &wire{Conn: conn}
	w.out = bufio.NewWriterSize(rawWriter{w}, 4<<10)
	return w
}

// Lock implements sync.Locker, for the library.
func (w *wire) Lock() { w.mu.Lock() }

// Unlock ends a packet. The library is not told when that fails, but its reading ends.
func (w *wire) Unlock() {
	if w.out.Flush() != nil {
		w.bad.Store(true)
		_ = w.Close()
	}
	w.mu.Unlock()
}

// Write implements net.Conn, between Lock and Unlock.
func (w *wire) Write(p []byte) (int, error) { return w.out.Write(p) }

// interrupt closes the connection if a write is under way, which nothing else can end.
func (w *wire) interrupt() {
	if w.busy.Load() {
		_ = w.Close()
	}
}

// rawWriter writes to the connection itself.
type rawWriter struct{ w *wire }

func (r rawWriter) Write(p []byte) (int, error) {
	r.w.busy.Store(true)
	defer r.w.busy.Store(false)
	if err := r.w.SetWriteDeadline(time.Now().Add(writing)); err != nil {
		return 0, err
	}
	return r.w.Conn.Write(p)
}

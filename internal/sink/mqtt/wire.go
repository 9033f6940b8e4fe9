package mqtt

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// writing bounds one write. A broker that reads nothing for so long is gone.
const writing = 15 * time.Second

// A wire is a connection on which packets of several goroutines do not mix: the library locks it for each packet, and what it writes goes
// out in one piece at the end. What comes in is checked for its size before the library makes room for it.
type wire struct {
	net.Conn
	mu   sync.Mutex
	out  *bufio.Writer
	in   *bufio.Reader
	rest int // what is still to come of the packet that is being read, in bytes

	writes atomic.Int64 // how often one has begun or ended: odd while one is under way
	bad    atomic.Bool  // one has failed
}

// newWire returns nil for no connection.
func newWire(conn net.Conn) *wire {
	if conn == nil {
		return nil
	}
	w := &wire{Conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}
	w.out = bufio.NewWriterSize(rawWriter{w}, 4<<10)
	return w
}

// Read implements net.Conn. It belongs to one goroutine.
func (w *wire) Read(p []byte) (int, error) {
	if w.rest == 0 {
		size, err := w.nextSize()
		if err != nil {
			return 0, err
		}
		w.rest = size
	}
	n, err := w.in.Read(p[:min(len(p), w.rest)])
	w.rest -= n
	return n, err
}

// nextSize waits for the next packet and returns its size, which it has in a number of one to four bytes behind the first one
// (MQTT 5.0 §1.5.5).
func (w *wire) nextSize() (int, error) {
	for n := 2; n <= 5; n++ {
		head, err := w.in.Peek(n)
		if err != nil {
			return 0, err
		}
		if head[n-1]&0x80 != 0 {
			continue
		}
		size := 0
		for i := n - 1; i > 0; i-- {
			size = size<<7 | int(head[i]&0x7f)
		}
		if size += n; size > maxIncoming {
			return 0, fmt.Errorf("what came is no packet, or one of %d bytes", size)
		}
		return size, nil
	}
	return 0, errors.New("what came is no packet")
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

// blink is for how long a write may take that is no trouble.
const blink = 100 * time.Millisecond

// interrupt closes the connection if a write hangs, which nothing else can end. It blocks for a blink.
func (w *wire) interrupt() {
	before := w.writes.Load()
	if before%2 == 0 {
		return
	}
	time.Sleep(blink)
	if w.writes.Load() == before {
		_ = w.Close()
	}
}

// rawWriter writes to the connection itself.
type rawWriter struct{ w *wire }

func (r rawWriter) Write(p []byte) (int, error) {
	r.w.writes.Add(1)
	defer r.w.writes.Add(1)
	if err := r.w.SetWriteDeadline(time.Now().Add(writing)); err != nil {
		return 0, err
	}
	return r.w.Conn.Write(p)
}

package rtsp

import (
	"bufio"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

const (
	// farewell is how long a camera has to take our leave: to answer a SETUP that is under way, whose session only its answer lets us
	// end, and to close the connection after TEARDOWN.
	farewell = 300 * time.Millisecond

	// silent is how long a camera that plays says nothing before it is taken for one that will not take our leave either.
	silent = 3 * time.Second

	// readAtOnce takes what waits of a picture with one call of the kernel. The client's own buffer would take four for 16 KiB.
	readAtOnce = 32 << 10
)

// orderly is a connection that lets the other side read our last words. A socket closed with video still unread sends a reset, and a camera
// that gets one may throw away the TEARDOWN before it.
type orderly struct {
	net.Conn
	buffer  *bufio.Reader // of Conn; belongs to whoever reads
	start   time.Time
	heard   atomic.Int64 // when something last came, in nanoseconds since start
	reading sync.Mutex   // held while somebody reads
	leaving atomic.Bool
}

func newOrderly(c net.Conn) *orderly {
	return &orderly{Conn: c, buffer: bufio.NewReaderSize(c, readAtOnce), start: time.Now()}
}

func (o *orderly) Read(p []byte) (int, error) {
	o.reading.Lock()
	defer o.reading.Unlock()
	if o.leaving.Load() {
		return 0, net.ErrClosed
	}
	n, err := o.buffer.Read(p)
	o.heard.Store(int64(time.Since(o.start)))
	return n, err
}

// Close waits for the other side to close as well, at most as long as farewell. Nobody waits for a camera that is silent anyway: the watchdog
// has waited long enough, and a new connection is due.
func (o *orderly) Close() error {
	half, ok := o.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || o.leaving.Swap(true) {
		return o.Conn.Close()
	}
	_ = o.SetReadDeadline(time.Now()) // whoever reads stops
	if time.Since(o.start)-time.Duration(o.heard.Load()) < silent {
		o.part()
		return nil
	}
	go func() { _ = guard.Run(func() error { o.part(); return nil }) }()
	return nil
}

// part reads what still comes until the other side has closed, and closes.
func (o *orderly) part() {
	o.reading.Lock()
	defer o.reading.Unlock()
	_ = o.SetReadDeadline(time.Now().Add(farewell))
	_, _ = io.Copy(io.Discard, o.Conn)
	_ = o.Conn.Close()
}

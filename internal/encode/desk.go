package encode

import (
	"context"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// groupLength is the time between key frames that nobody asked for.
const groupLength = 2 * Hertz

// desk is the Desk of one shift.
type desk struct {
	t     *Transcoder
	pulse *pulse
	shape shape // of the pictures it gives; of none as long as none was given

	hand    *Frame // borrowed by the encoder
	begun   bool   // a picture was given
	lastKey int64  // ticks of the newest that had Force

	mu      sync.Mutex
	packets *packets
	closed  bool // nothing is taken any more
	changed bool // the camera's pictures have another shape now
	used    func() time.Duration
	broken  error         // the panic of a receiver
	broke   chan struct{} // closed when there is one
}

func newDesk(t *Transcoder, p *pulse, r Receiver, first shape) *desk {
	return &desk{t: t, pulse: p, shape: first, packets: newPackets(r), broke: make(chan struct{})}
}

// Take implements Desk.
func (d *desk) Take(ctx context.Context) *Frame {
	d.pulse.asked()
	if !d.giveBack() {
		return nil
	}
	f := d.t.queue.take(ctx)
	switch {
	case f == nil:
		return nil
	case d.isClosed():
		d.t.queue.unread(f)
		return nil
	case d.shape.count == 0:
		d.shape = f.shape
	case d.shape != f.shape:
		d.t.queue.unread(f)
		d.pulse.ending()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed = true
		return nil
	}
	d.hand = f
	d.direct(f)
	d.pulse.taken()
	return f
}

// giveBack puts away the picture that was borrowed. It reports false when there will be no other.
func (d *desk) giveBack() bool {
	if d.hand != nil {
		d.t.queue.recycle(d.hand)
		d.hand = nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.closed && !d.changed
}

func (d *desk) isClosed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.closed
}

// direct says whether f shall be a key frame.
func (d *desk) direct(f *Frame) {
	wanted := d.t.wanted.Swap(false)
	f.Force = wanted || !d.begun || f.Ticks-d.lastKey >= groupLength
	if f.Force {
		d.begun, d.lastKey = true, f.Ticks
	}
}

// Emit implements Desk.
func (d *desk) Emit(unit []byte, timestamp uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return
	}
	sent := false
	if err := guard.Run(func() error { sent = d.packets.send(unit, timestamp); return nil }); err != nil {
		d.closed, d.broken = true, err
		close(d.broke)
		return
	}
	if !sent {
		return
	}
	d.t.options.Metrics.out.Inc()
	if first := d.pulse.came(); first {
		d.t.queue.started()
	}
}

// Skip implements Desk.
func (d *desk) Skip() { d.t.options.Metrics.skipped.Inc() }

// Meter implements Desk.
func (d *desk) Meter(used func() time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used = used
}

// processorTime is what the encoder used so far.
func (d *desk) processorTime() time.Duration {
	d.mu.Lock()
	used := d.used
	d.mu.Unlock()
	if used == nil {
		return 0
	}
	return used()
}

// close leaves the encoder alone: whatever it still does concerns nobody. It tells whether the camera's pictures changed, and how a receiver
// panicked.
func (d *desk) close() (changed bool, broken error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	return d.changed, d.broken
}

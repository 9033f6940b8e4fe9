package hub

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// A mode says how an outlet gets its packets.
type mode uint8

const (
	// direct: the goroutine of the source writes each as it comes. Waking up another for it costs a quarter of the CPU time that reading
	// and sending the packets takes.
	direct mode = iota
	// behind: the outlet's goroutine writes them from the store, because there are more than live ones or because writing is slow.
	behind
	// waiting: nothing is written before the next key frame.
	waiting
)

// outlet is whoever takes the packets now. Its fields belong to the hub's lock.
type outlet struct {
	write func(camera.Packet)
	wake  chan struct{} // there may be something to do for the goroutine
	done  chan struct{} // closed when gone
	left  chan struct{} // closed when gone, and nothing is written any more; only if something was just then

	gone, writing bool
	mode          mode
	at            place // what is written next; only while behind
	joined        bool  // a picture has begun since it was attached
	skip          bool  // what follows the picture that it is in is not for it: up to the next key frame
	excused       bool  // it misses pictures by no fault of its own
	slowness
	buffer []byte // the packet that the goroutine writes

	stamped   bool   // a timestamp was given
	timestamp uint32 // the newest one given
	expected  uint64 // the number of the picture that it should get next if it never missed one
	request
	pacer
}

// Attach makes write the taker of packets; it takes the place of the one before. If the current group of pictures is there, write gets it
// from its key frame on, faster than live, and then live pictures without a gap. Otherwise it starts with the next picture, though that
// is no key frame: a room lets its viewers in only when packets flow, and its server closes a stay that begins with half a minute without
// any. Until a key frame comes nobody can decode them; from then on every picture can be.
//
// Timestamps only go forward, in steps of at least one millisecond where the hub gives them itself. The packets are borrowed, as in
// camera.Receiver. write is called from one goroutine at a time, the source's or one of the hub's, and must not call Packet or Begin. A
// write that took long is not left to the source's goroutine again for a while; an outlet that cannot keep up loses whole pictures up to
// a key frame.
//
// After detach returned no write begins. It waits for the one that is under way, but no longer than a second: closing what hangs there
// is the caller's.
func (h *Hub) Attach(write func(camera.Packet)) (detach func()) {
	o := &outlet{
		write: write, wake: make(chan struct{}, 1), done: make(chan struct{}), left: make(chan struct{}),
		buffer: make([]byte, 0, camera.MaxPayload), request: request{pause: shortestPause},
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.out != nil {
		h.remove(h.out)
	}
	h.out = o
	o.expected = h.number + 1
	switch {
	case !h.gop.kept:
	case h.fresh(time.Now()):
		h.rewind(o)
	default:
		o.wanted = true
	}
	go func() {
		if err := guard.Run(func() error { h.feed(o); return nil }); err != nil {
			h.fail(err)
		}
	}()
	return func() { h.detach(o) }
}

func (h *Hub) detach(o *outlet) {
	h.mu.Lock()
	writing := o.writing
	h.remove(o)
	h.mu.Unlock()
	if !writing {
		return
	}
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	select {
	case <-o.left:
	case <-patience.C:
	}
}

func (h *Hub) remove(o *outlet) {
	if h.out == o {
		h.out = nil
	}
	if !o.gone {
		o.gone = true
		close(o.done)
	}
}

func (o *outlet) ring() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// give hands a packet that was just kept to the outlet.
func (h *Hub) give(o *outlet, e entry, payload []byte) {
	switch o.mode {
	case behind:
		o.ring()
	case direct:
		if o.joined = o.joined || e.first; !o.joined {
			return
		}
		p := camera.Packet{Payload: payload, Timestamp: h.stamp(o, e), Marker: e.marker}
		if h.write(o, p); o.slow() {
			o.mode, o.at = behind, h.store.end()
		}
	}
}

// write writes without the lock.
func (h *Hub) write(o *outlet, p camera.Packet) {
	o.writing = true
	h.mu.Unlock()
	defer h.written(o, time.Now())
	o.write(p)
}

func (h *Hub) written(o *outlet, began time.Time) {
	h.mu.Lock()
	o.took(began, time.Now())
	o.writing = false
	if o.gone {
		close(o.left)
	}
}

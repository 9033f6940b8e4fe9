package hub

import (
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// The pace of an outlet that catches up. Four times the video's own rate is what decoders can follow (120 pictures a second) and what an
// uplink bears that bears key frames; the least rate brings a key frame of 300 kB within 150 ms also where little moves. No more than a
// few bursts go at once, a fraction of what a UDP socket buffers by default (208 KiB).
const (
	speed     = 4
	leastRate = 2e6    // bytes per second
	mostRate  = 12.5e6 // the same
	burst     = 32e3   // bytes
	beat      = 4 * time.Millisecond
	paceLag   = 250 * time.Millisecond // more than this is catching up; less is a moment's delay
)

// pacer bounds the rate at which an outlet catches up.
type pacer struct {
	replaying bool      // up to the live pictures
	paced     bool      // the same, and also after a slow write
	rate      float64   // bytes per second
	next      time.Time // when the next packet may go
	patience  time.Time // until then it may lag behind by more than longLag
}

// feed is an outlet's goroutine. It sleeps while the outlet gets its packets directly.
func (h *Hub) feed(o *outlet) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	for !o.gone {
		if !h.ready(o) {
			h.unlocked(func() {
				select {
				case <-o.wake:
				case <-o.done:
				}
			})
			continue
		}
		if wait := h.pace(o); wait > 0 {
			timer.Reset(wait)
			h.unlocked(func() {
				select {
				case <-timer.C:
				case <-o.done:
				}
			})
			continue
		}
		h.write(o, h.fetch(o))
	}
}

func (h *Hub) unlocked(wait func()) {
	h.mu.Unlock()
	defer h.mu.Lock()
	wait()
}

// ready tells whether there is a packet that the outlet's goroutine has to write.
func (h *Hub) ready(o *outlet) bool {
	for o.mode == behind {
		at, e, _, ok := h.store.get(o.at)
		o.at = at
		if ok && e.first && h.turn(o) {
			continue
		}
		if ok {
			return true
		}
		h.caughtUp(o)
		return false
	}
	return false
}

// caughtUp is called when an outlet that is behind has got everything.
func (h *Hub) caughtUp(o *outlet) {
	o.replaying, o.paced = false, false
	if !o.skip && time.Since(o.slowAt) > slowFor {
		o.mode = direct
	}
}

// fetch copies the next packet, so that its memory may be used again while it is written.
func (h *Hub) fetch(o *outlet) camera.Packet {
	_, e, payload, _ := h.store.get(o.at)
	o.at.index++
	o.buffer = append(o.buffer[:0], payload...)
	if o.paced {
		o.next = o.next.Add(time.Duration(float64(len(payload)) / o.rate * float64(time.Second)))
	}
	return camera.Packet{Payload: o.buffer, Timestamp: h.stamp(o, e), Marker: e.marker}
}

// pace returns how long the next packet has to wait.
func (h *Hub) pace(o *outlet) time.Duration {
	if o.paced = o.paced || o.replaying || h.lag(o) > paceLag; !o.paced {
		return 0
	}
	o.rate = h.rate()
	now := time.Now()
	if earliest := now.Add(-time.Duration(burst / o.rate * float64(time.Second))); o.next.Before(earliest) {
		o.next = earliest
	}
	if wait := o.next.Sub(now); wait > 0 {
		return wait + beat // and then some at once, instead of a timer for each
	}
	return 0
}

// rate is how fast packets that were kept may be sent, in bytes per second.
func (h *Hub) rate() float64 {
	return min(max(speed*h.usual, speed*h.gop.mean(h.clock.out), leastRate), mostRate)
}

// fail keeps the panic of an outlet for the goroutine of the source, which has somebody to tell it to.
func (h *Hub) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.panicked == nil {
		h.panicked, _ = errors.AsType[*guard.Panic](err)
	}
}

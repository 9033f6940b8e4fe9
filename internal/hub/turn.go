package hub

import (
	"math"
	"time"
)

// How far an outlet may lag behind.
const (
	longLag  = 2 * time.Second        // more, and it gets nothing until the next key frame: nobody wants to see old pictures
	shortLag = 500 * time.Millisecond // more, and it leaves out what is left before a key frame that has come; see bearable
)

// settle lets the outlet turn elsewhere if it is between two pictures.
func (h *Hub) settle() {
	o := h.out
	if o == nil || !o.skip && !o.wanted {
		return
	}
	if between := o.mode == waiting || !o.joined || !h.picture.open; o.mode == behind || between && h.turn(o) {
		o.ring()
	}
}

// turn is called when an outlet is between two pictures, and reports whether it now goes on with another than the next.
func (h *Hub) turn(o *outlet) bool {
	switch {
	case o.skip:
		o.skip = false
		if h.gop.kept && o.at.before(h.gop.start) {
			h.leap(o)
		} else {
			o.mode = waiting
		}
	case o.wanted && h.mayServe(o) && h.serve(o):
	case o.mode == behind && h.gop.kept && o.at.before(h.gop.start) && h.lag(o) > o.bearable():
		h.leap(o)
	default:
		return false
	}
	return true
}

// bearable is how far an outlet may lag behind when a key frame has come. A replay catches up by itself; leaving out the rest of it loses
// pictures that nobody has seen, which is worth it only when it would go on for long.
func (o *outlet) bearable() time.Duration {
	if o.replaying {
		return longLag
	}
	return shortLag
}

// leap makes an outlet go on with the newest key frame, from wherever it is, and gives it time to catch up from there.
func (h *Hub) leap(o *outlet) {
	o.mode, o.at = behind, h.gop.start
	o.patience = time.Now().Add(span(h.gop.timestamp, h.clock.out)/(speed-1) + longLag)
}

// resume is called when the packets of a key frame begin to come.
func (h *Hub) resume(o *outlet) {
	switch {
	case o.mode == waiting && h.gop.kept:
		h.leap(o)
		o.excused = false
		o.ring()
	case o.mode == direct && o.joined, o.mode == behind && h.gop.start.slab != nil && h.gop.start.before(o.at):
		o.served() // its first packet is on the way
	}
}

// meet is called when a picture begins.
func (h *Hub) meet(o *outlet) {
	if o.excused && (o.mode == waiting || o.skip) {
		o.expected = h.number + 1
	}
	if h.lag(o) > longLag && time.Now().After(o.patience) {
		o.skip, o.excused = true, o.excused && o.skip
	}
}

// interrupt stops the outlet until the next key frame: what comes before refers to pictures that were never sent.
func (o *outlet) interrupt() {
	o.excused = true
	switch o.mode {
	case direct:
		o.mode, o.joined = waiting, true
	case behind:
		o.skip = true
	}
}

// lag is how much older than the newest picture the one is that an outlet gets next; 0 unless it is behind.
func (h *Hub) lag(o *outlet) time.Duration {
	if o.mode != behind {
		return 0
	}
	at, e, _, ok := h.store.get(o.at)
	if o.at = at; !ok {
		return 0
	}
	return span(e.timestamp, h.clock.out)
}

// backlog tells which slabs an outlet that is behind still needs.
func (h *Hub) backlog() (from, to uint64) {
	o := h.out
	if o == nil || o.mode != behind {
		return 1, 0
	}
	from, to = o.at.slab.number, math.MaxUint64
	if !o.skip {
		return from, to
	}
	for p := o.at; ; p.index++ {
		var e entry
		var ok bool
		if p, e, _, ok = h.store.get(p); !ok {
			return from, to
		}
		if e.first {
			return from, p.slab.number
		}
	}
}

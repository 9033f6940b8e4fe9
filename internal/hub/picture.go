package hub

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// picture is the one whose packets are arriving.
type picture struct {
	open      bool
	timestamp uint32 // as the source gave it
	out       uint32 // on the hub's clock
	seen      h264.Content
	key       bool
	held      bool  // nothing more of it is passed on: it is a key frame that nobody could decode
	begun     bool  // a packet of it was kept
	start     place // of that packet; no slab: it had to be released
	bytes     int   // of payload that were kept so far
}

// accept takes one packet of the camera.
func (h *Hub) accept(p camera.Packet) {
	content := h264.Look(p.Payload)
	if content.Has(h264.Invalid) || len(p.Payload) > slabBytes {
		return
	}
	if !h.continues(p.Timestamp) {
		h.endPicture() // some cameras forget the marker: a new timestamp ends a picture as well
		h.beginPicture(p.Timestamp)
	}
	h.picture.open = true
	if content.Has(h264.SPS | h264.PPS) {
		h.learnFrom(p.Payload)
	}
	if content.Has(h264.IDR) && !h.picture.seen.Has(h264.IDR|h264.Slice) {
		h.keyFrame(content)
	}
	if !h.picture.held {
		h.put(p.Payload, p.Marker)
	}
	if h.picture.key && h.gop.picture != h.number {
		h.beginGOP()
	}
	h.picture.seen |= content
	if p.Marker {
		h.endPicture()
	}
}

// continues tells whether a packet with this timestamp belongs to the newest picture. Some cameras set the marker on parameter sets.
func (h *Hub) continues(timestamp uint32) bool {
	if timestamp != h.picture.timestamp {
		return false
	}
	return h.picture.open || h.picture.seen != 0 && !h.picture.seen.Has(h264.IDR|h264.Slice)
}

func (h *Hub) beginPicture(timestamp uint32) {
	out, steady := h.clock.next(timestamp, time.Now())
	if !steady {
		h.metrics.clockResets.Inc()
	}
	h.number++
	h.picture = picture{timestamp: timestamp, out: out}
	if h.gop.kept && span(h.gop.timestamp, out) > longestReplay {
		h.dropGOP()
	}
	if h.out != nil {
		h.settle()
		h.meet(h.out)
	}
}

func (h *Hub) endPicture() {
	complete := h.picture.open && h.picture.seen.Has(h264.IDR|h264.Slice)
	h.picture.open = false
	if complete {
		h.alive = time.Now()
		h.pictured = h.alive
		h.counts.Pictures++
		h.metrics.pictures.Inc()
		if h.picture.seen.Has(h264.IDR) {
			h.counts.Keys++
			h.metrics.keys.Inc()
		}
	}
	h.settle()
}

// keyFrame is called before the first slice of a key frame is put. The parameter sets go before it where it comes without them: a
// receiver that joined later could not decode it.
func (h *Hub) keyFrame(content h264.Content) {
	missing := (h264.SPS|h264.PPS)&^(h.picture.seen|content) != 0
	if missing && (h.parameters.SPS == nil || h.parameters.PPS == nil) {
		h.metrics.undecodable.Inc()
		h.picture.held = true
		h.gop = gop{}
		if h.out != nil {
			h.out.interrupt()
		}
		return
	}
	h.picture.key = true
	h.show()
	h.measureKeys()
	if missing {
		h.putParameters()
	}
}

func (h *Hub) putParameters() {
	if len(h.bundle) > 0 {
		h.put(h.bundle, false)
		return
	}
	h.put(h.parameters.SPS, false) // too large for one payload together
	h.put(h.parameters.PPS, false)
}

// put keeps a packet of the running picture and hands it to the outlet.
func (h *Hub) put(payload []byte, marker bool) {
	first := !h.picture.begun
	h.picture.begun = true
	if !h.store.fits(len(payload)) {
		h.makeRoom(len(payload))
	}
	e := entry{picture: h.number, timestamp: h.picture.out, first: first, marker: marker}
	at := h.store.add(e, payload)
	if first {
		h.picture.start = at
	}
	h.picture.bytes += len(payload)
	h.gop.bytes += len(payload)
	if h.out != nil {
		h.give(h.out, e, payload)
	}
}

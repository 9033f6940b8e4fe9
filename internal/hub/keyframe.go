package hub

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A KeyFrame is one picture that can be decoded alone.
type KeyFrame struct {
	// Data is a byte stream (ITU-T H.264 annex B): one access unit with its parameter sets before the first slice. It is shared, and
	// never changed. No data: there is no picture.
	Data []byte
	// Time is when it began to arrive.
	Time time.Time
}

// still is the newest key frame that was put together, and outlives its group of pictures.
type still struct {
	wanted  bool   // somebody asks for key frames
	picture uint64 // its number
	frame   KeyFrame
}

// Nearer returns the newest key frame that is complete, if it came nearer to a time than the one given, which may be none; else the one given.
// Who holds one from the time itself, and asks again when the next may have come, has the nearest of all.
//
// From the first call on the hub keeps the newest key frame although its group is given up, and although the next is on its way; one that
// a loss or the end of the session followed included.
func (h *Hub) Nearer(given KeyFrame, to time.Time) KeyFrame {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.still.wanted = true
	h.keepStill()
	if newest := h.still.frame; newest.Data != nil && (given.Data == nil || newest.Time.Sub(to).Abs() < given.Time.Sub(to).Abs()) {
		return newest
	}
	return given
}

// keepStill puts the newest key frame together, if it is complete and somebody may ask for it. It is called before its packets go.
func (h *Hub) keepStill() {
	whole := h.gop.kept && (h.gop.picture != h.number || !h.picture.open)
	if !whole || !h.still.wanted || h.still.picture == h.gop.picture {
		return
	}
	size := 0
	h.eachOfKey(func(payload []byte) { size += len(payload) + len(startCode) })
	stream := make([]byte, 0, size)
	h.eachOfKey(func(payload []byte) { stream = appendUnits(stream, payload) })
	h.still.picture, h.still.frame = h.gop.picture, KeyFrame{Data: stream, Time: h.gop.at}
}

// eachOfKey calls f for each payload of the key frame whose group is kept.
func (h *Hub) eachOfKey(f func(payload []byte)) {
	for p := h.gop.start; ; p.index++ {
		at, e, payload, ok := h.store.get(p)
		if !ok || e.picture != h.gop.picture {
			return
		}
		f(payload)
		p = at
	}
}

var startCode = []byte{0, 0, 0, 1}

// appendUnits appends what a payload carries to a byte stream. Fragments follow one another without a gap: the hub gets whole pictures.
func appendUnits(stream, payload []byte) []byte {
	if part, ok := h264.ParseFragment(payload); ok {
		if part.Start {
			stream = append(append(stream, startCode...), part.Header)
		}
		return append(stream, part.Body...)
	}
	h264.EachUnit(payload, func(unit []byte) { stream = append(append(stream, startCode...), unit...) })
	return stream
}

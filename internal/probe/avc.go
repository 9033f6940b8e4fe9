package probe

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// avc reads H.264, through the same parts as the agent itself.
type avc struct {
	film   film
	sets   sets
	mender h264.Mender
	framer h264.Framer
	seen   h264.Content

	format h264.Format // of the newest SPS that could be read
	known  bool        // there was one
}

// announced takes parameter sets from the description of the session.
func (a *avc) announced(units [][]byte) {
	for _, unit := range units {
		h264.EachAnnexB(unit, func(u []byte) { a.learn(u, true) })
	}
}

// learn notes a unit if it is a parameter set.
func (a *avc) learn(unit []byte, announced bool) {
	switch unit[0] & 0x1f {
	case h264.TypePPS:
		a.sets.note(pictureSet, announced)
	case h264.TypeSPS:
		format, err := h264.ParseSPS(unit)
		if err != nil {
			return
		}
		a.sets.note(sequenceSet, announced)
		a.sets.compare(unit, announced)
		a.format, a.known = format, true
		a.framer.Interlaced = format.Interlaced
	}
}

func (a *avc) packet(p camera.Packet, now time.Time) {
	if p.Lost > 0 {
		a.mender.Break()
		a.film.lose()
	}
	a.mender.Mend(p.Payload, func(payload []byte, last bool) {
		h264.EachUnit(payload, func(unit []byte) { a.learn(unit, false) })
		content, place := a.framer.Next(p.Timestamp, p.Marker && last, payload)
		if content.Has(h264.Invalid) {
			return
		}
		a.seen |= content
		if place.Has(h264.Begins) {
			a.film.begin(p.Timestamp, now)
		}
		a.film.add(part{
			bytes: len(payload), sliced: content.Has(h264.IDR | h264.Slice), slices: slicesIn(payload, content),
			key: content.Has(h264.IDR), marked: p.Marker && last,
		}, now)
	})
}

// slicesIn counts the slices that end in a payload.
func slicesIn(payload []byte, content h264.Content) (n int) {
	h264.EachUnit(payload, func(unit []byte) {
		if h264.Look(unit).Has(h264.IDR | h264.Slice) {
			n++
		}
	})
	if n == 0 && content.Has(h264.SliceEnd) { // the last of its fragments
		return 1
	}
	return n
}

package ingest

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// maxPicture is the most bytes that a picture may have. A key frame of a 4K camera has less than two million.
const maxPicture = 8 << 20

// assembly puts pictures together, for the encoder.
type assembly struct {
	codec   camera.Codec
	deliver func(units [][]byte, timestamp uint32) // what it gets is borrowed

	timestamp uint32
	content   h264.Content
	open      bool   // the unit in hand has more fragments to come
	data      []byte // of all units
	ends      []int  // of the units, in data
	units     [][]byte
}

func (a *assembly) begin() { a.finish() }

func (a *assembly) add(p part) bool {
	a.timestamp = p.timestamp
	a.content |= p.content
	if a.codec == camera.H265 {
		a.take265(p.payload)
	} else {
		a.take264(p.payload)
	}
	if len(a.data) > maxPicture {
		return false
	}
	if p.place.Has(h264.Ends) {
		a.finish()
	}
	return true
}

func (a *assembly) abandon() {
	a.data, a.ends, a.open, a.content = a.data[:0], a.ends[:0], false, 0
}

// finish delivers the picture in hand, if there is one.
func (a *assembly) finish() {
	a.end()
	if a.content.Has(h264.IDR | h264.Slice) {
		a.units = a.units[:0]
		from := 0
		for _, to := range a.ends {
			a.units = append(a.units, a.data[from:to])
			from = to
		}
		a.deliver(a.units, a.timestamp)
		a.abandon()
	}
}

// unit adds a whole unit.
func (a *assembly) unit(unit []byte) {
	a.end()
	a.data = append(a.data, unit...)
	a.ends = append(a.ends, len(a.data))
}

// fragment adds a fragment: with the first comes the header of its unit. One whose first was lost is left out.
func (a *assembly) fragment(start, end bool, body []byte, header ...byte) {
	if start {
		a.end()
		a.open = true
		a.data = append(a.data, header...)
	}
	if !a.open {
		return
	}
	a.data = append(a.data, body...)
	if end {
		a.end()
	}
}

// end ends the unit in hand.
func (a *assembly) end() {
	if a.open {
		a.open = false
		a.ends = append(a.ends, len(a.data))
	}
}

// take264 adds a payload of RFC 6184.
func (a *assembly) take264(payload []byte) {
	if f, ok := h264.ParseFragment(payload); ok {
		a.fragment(f.Start, f.End, f.Body, f.Header)
		return
	}
	h264.EachUnit(payload, a.unit)
}

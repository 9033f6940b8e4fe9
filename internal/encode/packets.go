package encode

import (
	"slices"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// packets cuts encoded pictures into the payloads of a camera. It belongs to one goroutine.
type packets struct {
	to     Receiver
	cutter *h264.Cutter
	units  [][]byte
	sets   [2][]byte // the newest SPS and PPS
}

func newPackets(to Receiver) *packets {
	return &packets{to: to, cutter: h264.NewCutter(camera.MaxPayload)}
}

// send delivers one picture, an access unit as a byte stream, and reports false when there is none in it. Delimiters and filler that
// containers and encoders put in are left out: RTP has markers, and a room needs no padding.
func (p *packets) send(picture []byte, timestamp uint32) bool {
	const filler, delimiter = 12, 9
	p.units = p.units[:0]
	h264.EachAnnexB(picture, func(unit []byte) {
		if kind := unit[0] & 0x1f; kind != delimiter && kind != filler {
			p.units = append(p.units, unit)
		}
	})
	p.complete()
	for i, unit := range p.units {
		ends := i == len(p.units)-1
		p.cutter.Cut(unit, func(part []byte, last bool) {
			p.to.Packet(camera.Packet{Payload: part, Timestamp: timestamp, Marker: ends && last})
		})
	}
	return len(p.units) > 0
}

// complete puts the newest parameter sets before a key frame that comes without any: encoders of hardware send them once.
func (p *packets) complete() {
	var found h264.Content
	for _, unit := range p.units {
		kind := h264.Look(unit)
		found |= kind
		switch {
		case kind.Has(h264.SPS):
			p.sets[0] = append(p.sets[0][:0], unit...)
		case kind.Has(h264.PPS):
			p.sets[1] = append(p.sets[1][:0], unit...)
		}
	}
	if found.Has(h264.IDR) && !found.Has(h264.SPS) && len(p.sets[0]) > 0 {
		p.units = slices.Insert(p.units, 0, p.sets[0], p.sets[1])
	}
}

package encode

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// packets cuts encoded pictures into the payloads of a camera. It belongs to one goroutine.
type packets struct {
	to     Receiver
	cutter *h264.Cutter
	units  [][]byte
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
	for i, unit := range p.units {
		ends := i == len(p.units)-1
		p.cutter.Cut(unit, func(part []byte, last bool) {
			p.to.Packet(camera.Packet{Payload: part, Timestamp: timestamp, Marker: ends && last})
		})
	}
	return len(p.units) > 0
}

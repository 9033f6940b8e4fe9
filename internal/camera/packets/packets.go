// Package packets makes the packets of a camera out of whole pictures, for sources that come by these and not by RTP.
package packets

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A Packer cuts pictures into packets. It belongs to the goroutine of its source.
type Packer struct {
	to     camera.Receiver
	codec  camera.Codec
	cutter *h264.Cutter
	units  [][]byte
}

// New returns a Packer for pictures of H.264 or H.265.
func New(to camera.Receiver, codec camera.Codec) *Packer {
	return &Packer{to: to, codec: codec, cutter: h264.NewCutter(camera.MaxPayload)}
}

// Stream delivers a picture that comes as a byte stream. lost is how many packets got lost before it. Nothing is delivered, and false
// returned, where there is no unit in it.
func (p *Packer) Stream(picture []byte, timestamp uint32, lost int) bool {
	p.units = p.units[:0]
	h264.EachAnnexB(picture, func(unit []byte) { p.units = append(p.units, unit) })
	return p.Units(p.units, timestamp, lost)
}

// Units delivers a picture that comes as NAL units; it writes over the slice that holds them. Delimiters and filler that programs put in are
// left out: RTP has markers, and a room needs no padding.
func (p *Packer) Units(units [][]byte, timestamp uint32, lost int) bool {
	kept := units[:0]
	for _, unit := range units {
		if len(unit) > 0 && !p.useless(unit[0]) {
			kept = append(kept, unit)
		}
	}
	for i, unit := range kept {
		p.unit(unit, camera.Packet{Timestamp: timestamp, Marker: i == len(kept)-1}, &lost)
	}
	return len(kept) > 0
}

// unit delivers a unit. One of H.265 travels whole: it is transcoded, and never a packet of a network.
func (p *Packer) unit(unit []byte, packet camera.Packet, lost *int) {
	if p.codec == camera.H265 {
		packet.Payload, packet.Lost, *lost = unit, *lost, 0
		p.to.Packet(packet)
		return
	}
	ends := packet.Marker
	p.cutter.Cut(unit, func(part []byte, last bool) {
		packet.Payload, packet.Marker, packet.Lost = part, ends && last, *lost
		*lost = 0
		p.to.Packet(packet)
	})
}

// useless tells units that carry nothing for a receiver, delimiters, ends of sequence and stream, and filler, and those that are none (ITU-T
// H.264 table 7-1, H.265 table 7-1).
func (p *Packer) useless(header byte) bool {
	if p.codec == camera.H265 {
		kind := header >> 1 & 0x3f
		return kind >= 35 && kind <= 38 || kind >= 48
	}
	kind := header & 0x1f
	return kind == 0 || kind >= 9 && kind <= 12 || kind >= 24
}

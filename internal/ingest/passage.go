package ingest

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// passage is the way of H.264 that needs nothing: a part goes on as soon as it is here, in pieces that fit. Only one that may be the last of
// its picture stays until the next tells whether it is.
type passage struct {
	hub    Hub
	cutter *h264.Cutter
	emit   func(piece []byte, last bool)
	part   part // that is being cut
	sliced bool // a slice of the picture in hand was passed on: without one it has no end

	held      bool
	timestamp uint32
	buffer    []byte
}

func newPassage(hub Hub) *passage {
	p := &passage{hub: hub, cutter: h264.NewCutter(camera.MaxPayload), buffer: make([]byte, 0, camera.MaxPayload)}
	p.emit = p.piece
	return p
}

func (p *passage) begin() {
	p.release(true)
	p.sliced = false
}

func (p *passage) add(next part) bool {
	p.release(false)
	p.part = next
	p.sliced = p.sliced || next.content.Has(h264.IDR|h264.Slice)
	p.cutter.Cut(next.payload, p.emit)
	return true
}

func (p *passage) abandon() {
	p.forget()
	p.hub.Interrupt()
}

// forget drops what was held back: the way begins anew.
func (p *passage) forget() { p.held, p.sliced = false, false }

// release passes on the piece that was held back.
func (p *passage) release(marker bool) {
	if p.held {
		p.held = false
		p.hub.Packet(camera.Packet{Payload: p.buffer, Timestamp: p.timestamp, Marker: marker})
	}
}

func (p *passage) piece(payload []byte, last bool) {
	last = last && p.sliced
	if last && p.part.place.Has(h264.MayEnd) {
		p.held, p.timestamp = true, p.part.timestamp
		p.buffer = append(p.buffer[:0], payload...)
		return
	}
	ends := last && p.part.place.Has(h264.Ends)
	p.hub.Packet(camera.Packet{Payload: payload, Timestamp: p.part.timestamp, Marker: ends})
	p.sliced = p.sliced && !ends // should the picture resume without another slice, it does not end twice
}

// Package ingest makes of what a camera delivers the video that a room can show.
package ingest

import (
	"context"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A Hub takes H.264: payloads of at most camera.MaxPayload bytes, the last of each picture marked.
type Hub interface {
	Begin(camera.Parameters)
	Packet(camera.Packet)
}

// An Intake is the camera.Intake of one camera, over all its sessions.
type Intake struct {
	hub    Hub
	mender h264.Mender
	cutter *h264.Cutter

	packet camera.Packet // the one that is being cut
	mended bool          // what is being cut is the last part of it
}

// New returns the intake before a hub.
func New(hub Hub) *Intake {
	return &Intake{hub: hub, cutter: h264.NewCutter(camera.MaxPayload)}
}

// Run implements camera.Intake.
func (i *Intake) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Begin implements camera.Receiver.
func (i *Intake) Begin(f camera.Format) {
	i.mender = h264.Mender{}
	var p camera.Parameters
	for _, set := range f.Sets {
		h264.EachAnnexB(set, func(unit []byte) {
			switch unit[0] & 0x1f {
			case h264.TypeSPS:
				p.SPS = unit
			case h264.TypePPS:
				p.PPS = unit
			}
		})
	}
	i.hub.Begin(p)
}

// Packet implements camera.Receiver.
func (i *Intake) Packet(p camera.Packet) {
	i.packet = p
	i.mender.Mend(p.Payload, func(part []byte, last bool) {
		i.mended = last
		i.cutter.Cut(part, i.emit)
	})
}

func (i *Intake) emit(part []byte, last bool) {
	i.hub.Packet(camera.Packet{Payload: part, Timestamp: i.packet.Timestamp, Marker: i.packet.Marker && i.mended && last})
}

package v4l2

import (
	"bytes"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A delivery hands pictures to a receiver, as buffers of the device hold them.
type delivery interface {
	// deliver hands over one picture, which is borrowed. lost is how many were lost since the one before. It reports false when data holds
	// no whole picture, and nothing was handed over.
	deliver(data []byte, timestamp uint32, lost int) bool
}

// newDelivery returns the delivery for what the driver answered.
func newDelivery(to camera.Receiver, codec camera.Codec, l layout) delivery {
	switch codec {
	case camera.H264:
		return &units{to: to, cutter: h264.NewCutter(camera.MaxPayload)}
	case camera.MJPEG:
		return &images{to: to}
	}
	return &raws{to: to, layout: l}
}

// units deliver access units of H.264 as RTP payloads.
type units struct {
	to     camera.Receiver
	cutter *h264.Cutter
	units  [][]byte
}

// Types of NAL units that RTP has no need for: it has markers, and a room needs no padding.
const (
	delimiter = 9
	filler    = 12
)

func (u *units) deliver(data []byte, timestamp uint32, lost int) bool {
	u.units = u.units[:0]
	h264.EachAnnexB(data, func(unit []byte) {
		if kind := unit[0] & 0x1f; kind != delimiter && kind != filler {
			u.units = append(u.units, unit)
		}
	})
	for i, unit := range u.units {
		ends := i == len(u.units)-1
		u.cutter.Cut(unit, func(part []byte, last bool) {
			u.to.Packet(camera.Packet{Payload: part, Timestamp: timestamp, Marker: ends && last, Lost: lost})
			lost = 0
		})
	}
	return len(u.units) > 0
}

// images deliver JPEG files.
type images struct {
	to   camera.Receiver
	ends bool // the camera writes the end of its files; not all do
}

var (
	imageStart = []byte{0xff, 0xd8}
	imageEnd   = []byte{0xff, 0xd9}
)

func (i *images) deliver(data []byte, timestamp uint32, lost int) bool {
	if !bytes.HasPrefix(data, imageStart) {
		return false
	}
	data = bytes.TrimRight(data, "\x00") // buffers are filled up with it
	whole := bytes.HasSuffix(data, imageEnd)
	if i.ends && !whole {
		return false // the rest got lost on the bus
	}
	i.ends = i.ends || whole
	i.to.Packet(camera.Packet{Payload: data, Timestamp: timestamp, Marker: true, Lost: lost})
	return true
}

// raws deliver raw pictures, without what pads their lines.
type raws struct {
	to      camera.Receiver
	layout  layout
	scratch []byte
}

func (r *raws) deliver(data []byte, timestamp uint32, lost int) bool {
	if len(data) < r.layout.span() {
		return false
	}
	picture := data[:r.layout.bytes()]
	if r.layout.padded() {
		r.scratch = r.layout.pack(r.scratch[:0], data)
		picture = r.scratch
	}
	r.to.Packet(camera.Packet{Payload: picture, Timestamp: timestamp, Marker: true, Lost: lost})
	return true
}

package probe

import (
	"bytes"
	"image"
	"image/jpeg"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// mjpeg reads Motion JPEG: each packet is a picture, and each picture is a key frame.
type mjpeg struct {
	film    film
	size    image.Point
	resized int // how often another size came
}

func (m *mjpeg) packet(p camera.Packet, now time.Time) {
	header, err := jpeg.DecodeConfig(bytes.NewReader(p.Payload))
	if err != nil {
		return
	}
	size := image.Pt(header.Width, header.Height)
	if m.size != (image.Point{}) && size != m.size {
		m.resized++
	}
	m.size = size
	m.film.begin(p.Timestamp, now)
	m.film.add(part{bytes: len(p.Payload), sliced: true, slices: 1, key: true, marked: true}, now)
}

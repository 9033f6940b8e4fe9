package probe

import (
	"bytes"
	"image"
	"image/jpeg"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// single reads video of which each packet is a picture, and each picture stands alone: Motion JPEG, and raw.
type single struct {
	film    film
	size    image.Point
	resized int // how often another size came
}

// begin takes note of the size that is announced; JPEG files tell theirs themselves.
func (m *single) begin(f camera.Format) {
	if f.Codec.Raw() {
		m.resize(image.Pt(f.Width, f.Height))
	}
}

func (m *single) resize(size image.Point) {
	if m.size != (image.Point{}) && size != m.size {
		m.resized++
	}
	m.size = size
}

func (m *single) packet(codec camera.Codec, p camera.Packet, now time.Time) {
	if codec == camera.MJPEG {
		header, err := jpeg.DecodeConfig(bytes.NewReader(p.Payload))
		if err != nil {
			return
		}
		m.resize(image.Pt(header.Width, header.Height))
	}
	m.film.begin(p.Timestamp, now)
	m.film.add(part{bytes: len(p.Payload), sliced: true, slices: 1, key: true, marked: true}, now)
}

package probe

import (
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A meter is the camera.Receiver that measures. What the camera says its video is may be wrong, so packets are read as H.264 and as H.265
// until it is certain which they are.
type meter struct {
	mu      sync.Mutex
	started time.Time
	begun   time.Time // the camera agreed to send
	first   time.Time // the first packet came
	ended   time.Time // zero while it goes on
	said    camera.Format

	packets Packets
	sniffer h264.Sniffer
	codec   camera.Codec // by content; "" until it is certain
	avc     avc
	hevc    hevc
	single  single
}

// Packets counts those of a video.
type Packets struct {
	Count   int   `json:"count"`
	Bytes   int64 `json:"bytes"`   // of payload
	Largest int   `json:"largest"` // payload, in bytes
	Lost    int   `json:"lost"`
}

func newMeter() *meter { return &meter{started: time.Now()} }

// Begin implements camera.Receiver.
func (m *meter) Begin(f camera.Format) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.begun, m.said = time.Now(), f
	if f.Codec.Single() { // the source knows whole pictures when it has them
		m.codec = f.Codec
		m.single.begin(f)
		return
	}
	m.avc.announced(f.Sets)
	m.hevc.announced(f.Sets)
}

// Packet implements camera.Receiver.
func (m *meter) Packet(p camera.Packet) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.ended.IsZero() {
		return
	}
	now := time.Now()
	if m.first.IsZero() {
		m.first = now
	}
	m.packets.Count++
	m.packets.Bytes += int64(len(p.Payload))
	m.packets.Largest = max(m.packets.Largest, len(p.Payload))
	m.packets.Lost += p.Lost
	m.sniff(p.Payload)
	if m.codec.Single() {
		m.single.packet(m.codec, p, now)
	}
	if m.codec == camera.H265 || m.codec == "" {
		m.hevc.packet(p, now)
	}
	if m.codec == camera.H264 || m.codec == "" { // the last: it may write to the payload
		m.avc.packet(p, now)
	}
}

func (m *meter) sniff(payload []byte) {
	if m.codec != "" {
		return
	}
	m.sniffer.Add(payload)
	if codec, certain := m.sniffer.Codec(); certain {
		m.codec = map[h264.Codec]camera.Codec{h264.H264: camera.H264, h264.H265: camera.H265}[codec]
	}
}

// is returns what the video is, as far as anybody knows. It needs the lock.
func (m *meter) is() camera.Codec {
	if m.codec != "" {
		return m.codec
	}
	return m.said.Codec
}

// film returns the pictures of the video. It needs the lock.
func (m *meter) film() *film {
	switch codec := m.is(); {
	case codec.Single():
		return &m.single.film
	case codec == camera.H265:
		return &m.hevc.film
	}
	return &m.avc.film
}

// Limits of a probe whose length nobody has chosen.
const (
	least     = 3 * time.Second
	usual     = 10 * time.Second
	most      = 30 * time.Second // until the second key frame, or the first
	manyKeys  = 3
	secondKey = 2
)

// enough tells whether there is nothing more to learn. A length of 0 leaves it to what was seen.
func (m *meter) enough(length time.Duration) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.begun.IsZero() {
		return false // the source bounds its own connecting
	}
	elapsed, film := time.Since(m.begun), m.film()
	if length > 0 {
		return elapsed >= length
	}
	switch {
	case elapsed >= most:
		return true
	case elapsed >= usual:
		return film.keys >= secondKey || len(film.pictures) == 0
	}
	return elapsed >= least && film.keys >= manyKeys
}

// stop ends the measurement; what comes later does not count.
func (m *meter) stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = time.Now()
	m.film().close()
}

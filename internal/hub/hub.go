// Package hub stands between a camera and its room. Both come and go, each in its own time; the hub stays, and keeps what must outlive
// them: the newest parameter sets, one steady clock, and the knowledge of when the last picture came.
//
// Packets pass straight through, on the goroutine of the source, without waiting for a whole picture and without allocating.
package hub

import (
	"bytes"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A Hub is the camera.Receiver of one camera. Its methods may be called from any goroutine.
type Hub struct {
	metrics *Metrics

	mu         sync.Mutex
	clock      clock
	picture    picture
	parameters camera.Parameters
	bundle     []byte // the parameter sets as one STAP-A, ready to go before a key frame
	alive      time.Time
	pictured   time.Time // when the newest complete picture came
	counts     Counts
	out        *outlet
}

// Counts are what has passed since the hub was made.
type Counts struct {
	Packets, Bytes uint64 // delivered by the source
	Pictures, Keys uint64 // complete ones, and those of them that were key frames
}

// picture is the one whose packets are arriving.
type picture struct {
	open      bool
	timestamp uint32 // as the source gave it
	out       uint32 // as it leaves
	seen      h264.Content
	sent      h264.Content // to the outlet there is now
}

// outlet is whoever takes the packets now.
type outlet struct {
	write   func(camera.Packet)
	joined  bool // a picture has begun since it was attached
	waiting bool // for a key frame, because the camera's session is a new one
}

// New returns a hub that waits for its first packet.
func New(metrics *Metrics) *Hub {
	return &Hub{metrics: metrics, clock: newClock(), alive: time.Now(), pictured: time.Now()}
}

// Attach makes write the taker of packets, from the next picture on; it takes the place of the one before. That picture need not be a key
// frame: a room lets its viewers in when packets flow, and starts each with a key frame, so waiting for one here would make them wait for
// the one after. The packets are borrowed, as in camera.Receiver; write is called under the hub's lock and must not call the hub. After
// detach returned write is not called again.
func (h *Hub) Attach(write func(camera.Packet)) (detach func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	mine := &outlet{write: write}
	h.out = mine
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.out == mine {
			h.out = nil
		}
	}
}

// Begin implements camera.Receiver.
func (h *Hub) Begin(p camera.Parameters) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.learn(p.SPS, h264.TypeSPS)
	h.learn(p.PPS, h264.TypePPS)
	h.clock.restart()
	h.picture = picture{}
	h.alive = time.Now()
	if h.out != nil {
		h.out.waiting = true // what comes before it refers to pictures that were never sent
	}
}

// Packet implements camera.Receiver.
func (h *Hub) Packet(p camera.Packet) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts.Packets++
	h.counts.Bytes += uint64(len(p.Payload))
	h.metrics.packets.Inc()
	h.metrics.bytes.Add(float64(len(p.Payload)))

	content := h264.Look(p.Payload)
	if content.Has(h264.Invalid) {
		h.metrics.invalid.Inc()
		return
	}
	if !h.picture.open || p.Timestamp != h.picture.timestamp {
		h.endPicture() // some cameras forget the marker: a new timestamp ends a picture as well
		h.beginPicture(p.Timestamp)
	}
	if content.Has(h264.SPS | h264.PPS) {
		h.learnFrom(p.Payload)
	}
	h.forward(p, content)
	h.picture.seen |= content
	if p.Marker {
		h.endPicture()
	}
}

func (h *Hub) beginPicture(timestamp uint32) {
	out, steady := h.clock.next(timestamp, time.Now())
	if !steady {
		h.metrics.clockResets.Inc()
	}
	h.picture = picture{open: true, timestamp: timestamp, out: out}
	if h.out != nil {
		h.out.joined = true
	}
}

func (h *Hub) endPicture() {
	complete := h.picture.open && h.picture.seen.Has(h264.IDR|h264.Slice)
	h.picture.open = false
	if !complete {
		return
	}
	h.alive = time.Now()
	h.pictured = h.alive
	h.counts.Pictures++
	h.metrics.pictures.Inc()
	if h.picture.seen.Has(h264.IDR) {
		h.counts.Keys++
		h.metrics.keys.Inc()
	}
}

// forward hands the packet on, and before it the parameter sets where a key frame begins without them: a receiver that joined later
// could not decode it.
func (h *Hub) forward(p camera.Packet, content h264.Content) {
	if h.out == nil || !h.out.joined {
		return
	}
	p.Timestamp = h.picture.out
	if content.Has(h264.IDR) && !h.picture.seen.Has(h264.IDR|h264.Slice) {
		if missing := (h264.SPS | h264.PPS) &^ (h.picture.sent | content); missing != 0 && !h.sendParameters() {
			h.metrics.undecodable.Inc()
			return
		}
		h.out.waiting = false
	}
	if h.out.waiting {
		return
	}
	h.picture.sent |= content
	h.out.write(p)
}

// sendParameters reports false while the camera has not told them.
func (h *Hub) sendParameters() bool {
	if h.parameters.SPS == nil || h.parameters.PPS == nil {
		return false
	}
	send := func(payload []byte) { h.out.write(camera.Packet{Payload: payload, Timestamp: h.picture.out}) }
	if len(h.bundle) > 0 {
		send(h.bundle)
		return true
	}
	send(h.parameters.SPS) // too large for one payload together
	send(h.parameters.PPS)
	return true
}

func (h *Hub) learnFrom(payload []byte) {
	h264.EachUnit(payload, func(unit []byte) { h.learn(unit, unit[0]&0x1f) })
}

// learn keeps a parameter set: the newest wins, whether it came with the session's description or with a picture.
func (h *Hub) learn(unit []byte, kind byte) {
	if len(unit) == 0 || len(unit) > camera.MaxPayload || unit[0]&0x1f != kind {
		return
	}
	var known *[]byte
	switch kind {
	case h264.TypeSPS:
		known = &h.parameters.SPS
	case h264.TypePPS:
		known = &h.parameters.PPS
	default:
		return
	}
	if bytes.Equal(*known, unit) {
		return
	}
	*known = bytes.Clone(unit)
	h.bundle = h264.Aggregate(h.bundle[:0], camera.MaxPayload, h.parameters.SPS, h.parameters.PPS)
}

// Age returns how long ago the last complete picture, or failing that the session, began to be of use; it grows while nothing comes.
func (h *Hub) Age() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.alive)
}

// PictureAge returns how long ago the last complete picture came, or the hub was made; a session that begins is no picture yet.
func (h *Hub) PictureAge() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.pictured)
}

// Counts returns what has passed so far.
func (h *Hub) Counts() Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts
}

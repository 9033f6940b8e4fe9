// Package hub stands between a camera and its room. Both come and go, each in its own time; the hub stays, and keeps what must outlive
// them: the newest parameter sets, one steady clock, the current group of pictures, and the knowledge of when the last picture came.
//
// In the steady state packets pass straight through, on the goroutine of the source, without waiting for a whole picture and without
// allocating. A copy of each stays here until the next key frame has come, so that an outlet that is new, or whose room asks for a key
// frame, gets the group again from its beginning: cameras cannot be asked for one, and the next may be ten seconds away.
package hub

import (
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A Hub takes the H.264 of one camera: payloads of at most camera.MaxPayload bytes, the last of each picture marked. Begin and Packet belong to the goroutine of the source, the other methods to any.
//
// The functions may be set before the first of them is called, and must not block. Those that are told something are called on the goroutine
// of the source, without a lock.
type Hub struct {
	// OnLongInterval is told, once for each session of the camera, that its key frames are far apart, in words for its owner.
	OnLongInterval func(advice string)
	// OnChange is told that a key frame begins under another sequence parameter set than what Parameters returned before, in mid-stream or
	// with a new session. Size or profile may be different now: whoever publishes them compares both with h264.ParseSPS. The sets may be
	// kept.
	OnChange func(before, after []byte)
	// AskKeyFrame asks whoever makes the pictures for a key frame, and reports whether one will come at once; nil: nobody can be asked. It is
	// called on any goroutine, under the hub's lock.
	AskKeyFrame func() bool

	metrics *Metrics

	mu         sync.Mutex
	clock      clock
	picture    picture
	number     uint64 // of the running picture, from 1
	parameters camera.Parameters
	shown      []byte // the SPS under which the newest key frame came; before the first, what is announced
	bundle     []byte // the parameter sets as one STAP-A, ready to go before a key frame
	store      store
	gop        gop
	still      still
	usual      float64 // bytes per second of the group before
	rhythm     rhythm
	alive      time.Time
	pictured   time.Time // when the newest complete picture came
	counts     Counts
	out        *outlet
	news       []func()     // to be told when the lock is released
	panicked   *guard.Panic // of an outlet, on its own goroutine
}

// Counts are what has passed since the hub was made.
type Counts struct {
	Packets, Bytes uint64 // delivered by the source
	Pictures, Keys uint64 // complete ones, and those of them that were key frames
}

// New returns a hub that waits for its first packet.
func New(metrics *Metrics) *Hub {
	now := time.Now()
	return &Hub{metrics: metrics, clock: newClock(), store: newStore(), rhythm: rhythm{at: now}, alive: now, pictured: now}
}

// Begin starts a new session of the camera: what came before and what comes next share neither clock nor references.
func (h *Hub) Begin(p camera.Parameters) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.learn(p.SPS, h264.TypeSPS)
	h.learn(p.PPS, h264.TypePPS)
	h.rhythm.restart(h.pictured)
	h.clock.restart()
	h.interrupt()
	h.alive = time.Now()
}

// Interrupt says that packets of the picture in hand are missing, and that nothing will come before the next key frame. The picture counts
// as none: whoever has its beginning gets no marker, and next the key frame. The group that it is in is not sent again. It belongs to
// the goroutine of the source.
func (h *Hub) Interrupt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.interrupt()
}

func (h *Hub) interrupt() {
	h.keepStill()
	h.picture = picture{}
	h.gop = gop{}
	if h.out != nil {
		h.out.interrupt()
		h.settle()
	}
}

// Packet takes the next packet, which is borrowed. It blocks as long as the outlet's write does, and no longer from the moment an outlet was slow. It
// panics with what an outlet panicked with on a goroutine of the hub.
func (h *Hub) Packet(p camera.Packet) {
	for _, tell := range h.take(p) {
		tell()
	}
}

func (h *Hub) take(p camera.Packet) (news []func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.panicked != nil {
		panic(h.panicked)
	}
	h.counts.Packets++
	h.counts.Bytes += uint64(len(p.Payload))
	h.metrics.packets.Inc()
	h.metrics.bytes.Add(float64(len(p.Payload)))
	h.accept(p)
	news, h.news = h.news, nil
	return news
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

// KeyAge returns how long ago the last key frame, or failing that the session, began.
func (h *Hub) KeyAge() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Since(h.rhythm.at)
}

// KeyGap returns the largest time between two key frames that this camera was seen to take, 0 before the second one. It only grows:
// a watchdog on key frames that allows twice as much leaves cameras alone whose groups of pictures last for minutes.
func (h *Hub) KeyGap() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rhythm.largest
}

// Parameters returns the parameter sets under which the newest key frame came, which may be kept; before the first those that are
// announced, nil before any are. Many cameras announce others, with each session, than they then send, and some send several in turn.
func (h *Hub) Parameters() camera.Parameters {
	h.mu.Lock()
	defer h.mu.Unlock()
	return camera.Parameters{SPS: h.shown, PPS: h.parameters.PPS}
}

// Counts returns what has passed so far.
func (h *Hub) Counts() Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.counts
}

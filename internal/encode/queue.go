package encode

import (
	"context"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const (
	startLimit  = 4 * time.Second        // an encoder that just started may be that late: it catches up
	steadyLimit = time.Second            // later, a picture that waited so long is late for good
	singleLimit = 200 * time.Millisecond // the same where every picture stands alone, and dropping one costs nothing else
	maxQueued   = 16 << 20               // bytes
	maxSpare    = 8                      // buffers kept for reuse
	maxRaw      = 3                      // the same of raw pictures, which are large
)

// queue holds what waits for the encoder. It is bounded in age and bytes: what cannot be encoded in time is dropped before it, never piled up.
type queue struct {
	start  time.Duration // how late an encoder may be at its start
	steady time.Duration // and later
	keep   int           // spare buffers
	ready  chan struct{} // holds a token when there may be something to take

	mu       sync.Mutex
	limit    time.Duration
	answers  bool // the encoder gave a picture
	frames   []*Frame
	bytes    int
	skipping bool // until the next key frame
	behind   bool // that is because the encoder was too slow
	spare    []*Frame
}

func newQueue(c camera.Codec) *queue {
	q := &queue{start: startLimit, steady: steadyLimit, keep: maxSpare, ready: make(chan struct{}, 1), skipping: true}
	if c.Single() {
		q.steady = singleLimit
	}
	if c.Raw() { // there is nothing to catch up with, and no room for it
		q.start, q.keep = singleLimit, maxRaw
	}
	q.limit = q.start
	return q
}

// fresh returns a frame to fill.
func (q *queue) fresh() *Frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	if n := len(q.spare); n > 0 {
		f := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return f
	}
	return &Frame{}
}

// recycle takes a frame back.
func (q *queue) recycle(f *Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.discard(f)
}

func (q *queue) discard(f *Frame) {
	if len(q.spare) < q.keep {
		q.spare = append(q.spare, f)
	}
}

// put adds f, and returns how many pictures were dropped, f perhaps among them, and whether that is because the child is too slow. A picture
// is dropped together with all that follow up to a key frame, because they cannot be decoded without it.
func (q *queue) put(f *Frame) (dropped int, slow bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	late := q.late(f)
	if late && q.answers {
		q.limit = q.steady
	}
	if f.key {
		for q.late(f) {
			dropped += q.dropOldest()
		}
		q.skipping, q.behind = false, false
	} else if late {
		q.skipping, q.behind = true, true
	}
	if q.skipping {
		q.discard(f)
		return 1, q.behind
	}
	q.frames = append(q.frames, f)
	q.bytes += len(f.bytes)
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return dropped, late && (q.answers || q.start > q.steady)
}

// late tells whether f would wait too long behind what is there.
func (q *queue) late(f *Frame) bool {
	if len(q.frames) == 0 {
		return false
	}
	return f.arrived.Sub(q.frames[0].arrived) > q.limit || q.bytes+len(f.bytes) > maxQueued
}

// dropOldest drops up to the next key frame in the queue, or all.
func (q *queue) dropOldest() (dropped int) {
	for len(q.frames) > 0 && (dropped == 0 || !q.frames[0].key) {
		q.discard(q.pop())
		dropped++
	}
	return dropped
}

func (q *queue) pop() *Frame {
	f := q.frames[0]
	q.frames[0] = nil
	q.frames = q.frames[1:]
	q.bytes -= len(f.bytes)
	return f
}

// take waits for the next picture; it returns nil when ctx ended. The caller recycles it.
func (q *queue) take(ctx context.Context) *Frame {
	for {
		if f := q.tryTake(); f != nil {
			return f
		}
		select {
		case <-q.ready:
		case <-ctx.Done():
			return nil
		}
	}
}

func (q *queue) tryTake() *Frame {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.frames) == 0 {
		if q.answers {
			q.limit = q.steady
		}
		return nil
	}
	return q.pop()
}

// restart prepares for a new encoder: it gets nothing before a key frame, and time to start. It returns how many pictures that drops.
func (q *queue) restart() (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.limit, q.answers, q.behind = q.start, false, false
	for len(q.frames) > 0 && !q.frames[0].key {
		q.discard(q.pop())
		dropped++
	}
	q.skipping = q.skipping || len(q.frames) == 0
	return dropped
}

// clear drops everything; the next picture is a key frame. It returns how many that are.
func (q *queue) clear() (dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.frames) > 0 {
		q.discard(q.pop())
		dropped++
	}
	q.skipping, q.behind = true, false
	return dropped
}

// started notes that the new encoder answers. The indulgence for it ends when it has caught up, or did not manage to.
func (q *queue) started() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.answers = true
}

// unread puts back what was taken last, for the next encoder.
func (q *queue) unread(f *Frame) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.frames = append([]*Frame{f}, q.frames...)
	q.bytes += len(f.bytes)
}

package hub

import "time"

// Bounds of replays that are asked for.
const (
	// shortestPause lies between two replays. It doubles each time when the next is asked for soon again: then replays do not help, more
	// likely the uplink cannot take them, and each makes it worse.
	shortestPause = time.Second
	longestPause  = 16 * time.Second
	// crossing is how long a key frame may be under way. A request that comes sooner after one may have been made before it arrived.
	crossing = 100 * time.Millisecond
	// stale is the age of the newest picture from which a group is not sent again: it would show as now what is long past. The request
	// is kept until the camera delivers.
	stale = 2 * time.Second
)

// request is an outlet's wish for a key frame.
type request struct {
	wanted bool
	keyAt  time.Time // when the newest key frame began to go out
	acted  time.Time // when something was done for a request
	pause  time.Duration
}

// served notes that a key frame begins to go out.
func (r *request) served() { r.wanted, r.keyAt = false, time.Now() }

// Refresh says that the room asked for a key frame (PLI or FIR): a viewer came, or one lost a packet and cannot go on. If the current
// group of pictures is there, it is sent again from its key frame on, as at Attach. Viewers that had no need of it see the last seconds
// once more, four times as fast. The other choice is to leave the one without a picture until the camera's next key frame; a room has no
// way to serve that viewer alone. Where whoever makes the pictures can be asked for a key frame, that is done instead: it costs less.
//
// There is at most one such replay or question in a second, fewer if they follow one another, and none right after a key frame. A request
// that comes too soon is not lost but waits, until a key frame goes out in one way or the other. Refresh does not block; without an outlet it does
// nothing.
func (h *Hub) Refresh() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.out != nil {
		h.out.wanted = true
		h.settle()
	}
}

// Lag returns how much older than the camera's newest picture the one is that the outlet gets now: more than a moment while a replay
// lasts, and while nothing goes out because the next key frame has not come. Whoever asks about "now" waits until it is small.
func (h *Hub) Lag() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.out == nil:
		return 0
	case h.out.mode == waiting:
		return time.Since(h.out.ended)
	}
	return h.lag(h.out)
}

func (h *Hub) fresh(now time.Time) bool { return now.Sub(h.clock.at) <= stale }

func (h *Hub) mayServe(o *outlet) bool {
	now := time.Now()
	return h.fresh(now) && now.Sub(o.keyAt) >= crossing && now.Sub(o.acted) >= o.pause
}

// serve does what can be done for a request, and reports whether the outlet now goes on with another picture than the next. A key frame that
// was asked for fulfils the request when it comes.
func (h *Hub) serve(o *outlet) bool {
	asked := h.AskKeyFrame != nil && h.AskKeyFrame()
	if !asked && !h.gop.kept {
		return false
	}
	now := time.Now()
	if now.Sub(o.acted) < 4*o.pause {
		o.pause = min(2*o.pause, longestPause)
	} else {
		o.pause = shortestPause
	}
	o.acted = now
	if asked {
		h.metrics.asked.Inc()
		return false
	}
	h.rewind(o)
	return true
}

// rewind makes the outlet go on with the beginning of the current group of pictures, which is kept.
func (h *Hub) rewind(o *outlet) {
	h.metrics.replays.Inc()
	h.leap(o)
	o.joined, o.skip, o.wanted, o.excused = true, false, false, false
	o.replaying, o.paced = true, false
}

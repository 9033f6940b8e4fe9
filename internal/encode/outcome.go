package encode

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// An outcome is that of work which goes on by itself.
type outcome struct {
	over chan struct{} // closed at its end
	err  error         // valid from then on
}

// attempt begins work on a goroutine of its own. A panic is its error.
func attempt(work func() error) *outcome {
	o := &outcome{over: make(chan struct{})}
	go func() {
		defer close(o.over)
		o.err = guard.Run(work)
	}()
	return o
}

// within waits for the end of work that was told to end, for as long as encoders of a class deserve, and tells whether it came.
func (o *outcome) within(c Class) bool {
	var limit <-chan time.Time
	if c.Inside() {
		timer := time.NewTimer(farewell)
		defer timer.Stop()
		limit = timer.C
	}
	select {
	case <-o.over:
		return true
	case <-limit:
		return false
	}
}

// isOver tells whether the end was there already.
func (o *outcome) isOver() bool {
	select {
	case <-o.over:
		return true
	default:
		return false
	}
}

package overshoot

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// gate keeps the pauses that the service asked for by a 429. It stands before every
// camera on the key, so that the others need not be told one by one. Giving a
// stream back is never held up: that is what makes room. The zero value is open.
type gate struct {
	mu     sync.Mutex
	closed map[lane]closing
}

// lane is what one pause is about.
type lane struct {
	key   string // its text, as another key has limits of its own
	op    Op
	model string // of a question; "" when the pause is the service's and not a provider's
}

type closing struct {
	until time.Time
	cause *Error
}

// held returns the error of a request that may not be sent now, nil when it may.
func (g *gate) held(req request) error {
	if req.op == OpDelete {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range []lane{{req.key, req.op, ""}, {req.key, req.op, req.model}} {
		if c, ok := g.closed[l]; ok && time.Until(c.until) > 0 {
			return c.cause.heldFor(time.Until(c.until))
		}
	}
	return nil
}

// heed closes the lane of a request that failed, if the answer asks for that.
func (g *gate) heed(req request, err error) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind() != KindRateLimited {
		return
	}
	l := lane{key: req.key, op: req.op}
	if _, upstream := e.upstreamHTTP(); upstream {
		l.model = req.model // its provider is busy, others may not be
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed == nil {
		g.closed = map[lane]closing{}
	}
	maps.DeleteFunc(g.closed, func(_ lane, c closing) bool { return time.Until(c.until) <= 0 })
	if until := time.Now().Add(e.Delay()); until.After(g.closed[l].until) {
		g.closed[l] = closing{until: until, cause: e}
	}
}

// heldFor returns the error as it is for a later request, which is not sent.
func (e *Error) heldFor(rest time.Duration) *Error {
	held := *e
	held.Held, held.unsent, held.RetryAfter = true, true, rest
	return &held
}

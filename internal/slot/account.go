package slot

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// account is what the pool keeps of one key.
type account struct {
	Key
	removed bool // not configured any more, and kept until the last of its streams is gone
	taken   int  // seats, those of recalled cameras included
	blocks  map[*block]struct{}
	health  health

	part *status.Part // of Kind; only for what is told, see Pool.deliver
}

// A block is a slot taken by a stream that nobody holds.
type block struct{ until time.Time }

// limit is how many streams cameras may have on the key.
func (a *account) limit() int {
	if a.removed {
		return 0
	}
	return max(0, a.Slots-len(a.blocks))
}

// unit is the name of the key on the status board.
func (a *account) unit() string { return "key " + a.Name }

// offer tells what the key has, when some of its seats are those of cameras which have to leave.
func (a *account) offer(leaving int, now time.Time) offer {
	o := offer{key: a.Name, slots: a.limit(), leaving: leaving, shaky: a.health.lastFailed.After(a.health.lastAccepted)}
	if a.health.well() || a.removed {
		return o
	}
	ceiling := a.health.ceiling - len(a.blocks)
	if a.health.probing != nil {
		ceiling++ // it sits beyond
	}
	ceiling = min(ceiling, o.slots)
	if a.health.resting(now) || a.taken-leaving > ceiling {
		o.closed = true
	} else {
		o.slots = ceiling
	}
	o.probe = a.health.due(now) && a.taken < a.limit() && (o.closed || o.slots < a.limit() && leaving == 0)
	return o
}

// offered is the offer as a number of streams, for the metric.
func (a *account) offered(leaving int, now time.Time) int {
	o := a.offer(leaving, now)
	n := o.slots
	if o.closed {
		n = min(n, a.taken-leaving)
	}
	if o.probe {
		n++
	}
	return n
}

// expire forgets the blocks that are over.
func (a *account) expire(now time.Time) {
	for b := range a.blocks {
		if !b.until.After(now) {
			delete(a.blocks, b)
		}
	}
}

// next is when time changes what the key offers, zero if never.
func (a *account) next(now time.Time) time.Time {
	when := a.health.next(now, a.Fingerprint != nil)
	for b := range a.blocks {
		when = earliest(when, b.until)
	}
	return when
}

// idle tells whether nothing is left of the key.
func (a *account) idle() bool { return a.removed && a.taken == 0 && len(a.blocks) == 0 }

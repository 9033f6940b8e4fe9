package lease

import (
	"math/rand/v2"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// A brake keeps creates rare. Creating is not idempotent and may leave a stream behind, so after the second failure in a row there is one a
// minute at most. The zero value is released.
type brake struct {
	failures int          // in a row
	until    time.Time    // when the next create may come
	fix      *retry.Pause // for requests that the service does not understand, which only a person can change
}

// atOnce is the longest wait for a create that is worth keeping the slot for. It is the longest after a first failure.
const atOnce = time.Second

// wait returns how long the next create has to wait.
func (b *brake) wait() time.Duration { return max(0, time.Until(b.until)) }

// release is told of success.
func (b *brake) release() { *b = brake{} }

// pull is told of a failure that says nothing of how long to wait.
func (b *brake) pull() {
	b.failures++
	pause := atOnce/2 + rand.N(atOnce/2)
	if b.failures > 1 {
		pause = time.Minute + rand.N(15*time.Second)
	}
	b.holdFor(pause)
}

// pullFor is told of a create that failed with err.
func (b *brake) pullFor(err *overshoot.Error) {
	b.pull()
	if err.Action() == overshoot.ActionFix {
		if b.fix == nil {
			b.fix = retry.NewPause(time.Minute, 15*time.Minute)
		}
		b.holdFor(b.fix.Next())
	}
	if !aboutKey(err) {
		b.holdFor(err.Delay())
	}
}

func (b *brake) holdFor(d time.Duration) {
	if until := time.Now().Add(d); until.After(b.until) {
		b.until = until
	}
}

// aboutKey tells whether the service refused the key rather than this request.
func aboutKey(err *overshoot.Error) bool {
	action := err.Action()
	return action == overshoot.ActionStop || action == overshoot.ActionPause || err.Kind() == overshoot.KindRateLimited
}

// jitter spreads d by a tenth either way.
func jitter(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

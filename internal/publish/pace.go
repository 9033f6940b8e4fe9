package publish

import (
	"math/rand/v2"
	"time"
)

const (
	// settled is how long a stay must last before what went wrong earlier is forgotten.
	settled = 10 * time.Second

	// brief is how long a stay lasts at most that counts as none.
	brief = time.Second

	// quickest bounds the pauses while nobody answers and nobody has answered for a short time only. Asking costs little then.
	quickest = 600 * time.Millisecond
	// patience is how many times shorter a pause is than the time for which nobody has answered: who was away for an hour may come
	// back half a minute later.
	patience = 200
	// longest bounds the pauses in the end.
	longest = 15 * time.Second

	// refusedFirst and refusedLongest bound the pauses where somebody answers and what he says does not help. They double.
	refusedFirst   = 300 * time.Millisecond
	refusedLongest = 30 * time.Second
)

// A pace yields the pauses between attempts to be in a room. They are drawn evenly from zero up to a bound, so that a hundred cameras
// that lost their room at one moment do not return at one moment.
type pace struct {
	since    time.Time // of the first failure after the last stay that settled; zero: none yet
	refusals int       // attempts since then that were answered and came to nothing
}

// next returns the pause after an attempt that failed. unwelcome: the room took us in and did not keep us, or refused the token.
func (p *pace) next(now time.Time, unwelcome bool) time.Duration {
	if p.since.IsZero() {
		p.since = now
	}
	if unwelcome {
		p.refusals++
	}
	return rand.N(p.bound(now, unwelcome))
}

func (p *pace) bound(now time.Time, unwelcome bool) time.Duration {
	if unwelcome {
		return min(refusedFirst<<min(p.refusals-1, 10), refusedLongest)
	}
	return min(max(now.Sub(p.since)/patience, quickest), longest)
}

// reset forgets all failures.
func (p *pace) reset() { *p = pace{} }

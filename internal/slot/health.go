package slot

import (
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// Kind is the part of the status board that shows a key, as unit "key NAME". ok: the service takes it as far as we know; full: it has as
// many streams as the service allows (429); no_credit: the account is empty (402); refused: the service does not take it (401, 403).
var Kind = status.Kind{Name: "key", States: []string{stateOK, stateFull, stateNoCredit, stateRefused}}

const (
	stateOK       = "ok"
	stateFull     = "full"
	stateNoCredit = "no_credit"
	stateRefused  = "refused"
)

// look is how often the text of a key in trouble is looked at: when a person has put in another one, it is tried at once.
const look = 5 * time.Second

// health is what the creates of streams have told about a key.
type health struct {
	state   string        // "" is as good as ok
	pauses  *retry.Pause  // between the probes
	pause   time.Duration // the newest of them
	probe   time.Time     // when the next one is due
	probing *seat         // of the camera whose create is the probe under way

	rests   time.Time // until then the service does not want to be asked
	ceiling int       // of a full key: the streams it had, ours and blocked ones, when it refused one more

	fingerprint string    // of the key that was refused
	look        time.Time // when to look at it again

	lastRefused, lastFailed, lastAccepted time.Time
}

func (h *health) well() bool { return h.state == "" || h.state == stateOK }

// trouble translates the error of a create; "" if it says nothing about the key.
func trouble(err error) string {
	switch overshoot.KindOf(err) {
	case overshoot.KindRateLimited:
		return stateFull
	case overshoot.KindPayment:
		return stateNoCredit
	case overshoot.KindUnauthorized, overshoot.KindForbidden:
		return stateRefused
	default:
		return ""
	}
}

// newPauses are the pauses between the probes of a key in this state.
func newPauses(state string) *retry.Pause {
	switch state {
	case stateFull:
		return retry.NewPause(15*time.Second, 5*time.Minute)
	case stateNoCredit:
		return retry.NewPause(5*time.Minute, 30*time.Minute)
	default:
		return retry.NewPause(time.Minute, 15*time.Minute)
	}
}

// refuse takes note that a create was refused while the key had so many other streams. Of several creates that were under way together
// only the first makes the pause longer.
func (h *health) refuse(state string, err error, others int, now time.Time) {
	first := h.state != state
	if first {
		h.state, h.pauses, h.ceiling = state, newPauses(state), others
	}
	h.ceiling = min(h.ceiling, others)
	if first || h.probing != nil || !now.Before(h.probe) {
		h.pause = h.pauses.Next()
		if e, ok := errors.AsType[*overshoot.Error](err); ok && e.RetryAfter > 0 {
			if h.pause = max(h.pause, e.Delay()); first {
				h.pause = e.Delay() // believed once; who says "in a second" again and again is asked less often
			}
		}
		h.probe = now.Add(h.pause)
	}
	if e, ok := errors.AsType[*overshoot.Error](err); ok && e.Delay() > 0 {
		h.rests = latest(h.rests, now.Add(e.Delay()))
		h.probe = latest(h.probe, h.rests)
	}
	h.probing, h.lastRefused = nil, now
}

// accept takes note that a create worked, and reports whether that ended the trouble. That a full key takes a stream in place of one
// that has left was to be expected.
func (h *health) accept(now time.Time) bool {
	h.lastAccepted = now
	if h.well() || (h.state == stateFull && h.probing == nil) {
		return false
	}
	*h = health{state: stateOK, lastAccepted: now}
	return true
}

// contented reports whether a full key is in no trouble any more because it is asked for no more than it had.
func (h *health) contented(slots int) bool {
	if h.state != stateFull || h.ceiling < slots {
		return false
	}
	*h = health{state: stateOK, lastAccepted: h.lastAccepted}
	return true
}

// left takes note that a seat was given back. A probe that ended without a verdict is repeated after the same pause.
func (h *health) left(s *seat, now time.Time) {
	if h.probing == s {
		h.probing, h.probe = nil, now.Add(h.pause)
	}
}

// renewed takes note that the key has this text now. A new one is tried at once, whatever was wrong with the old one.
func (h *health) renewed(fingerprint string, now time.Time) {
	if h.well() || fingerprint == "" || fingerprint == h.fingerprint {
		return
	}
	h.fingerprint, h.pauses = fingerprint, newPauses(h.state)
	h.probe, h.rests = now, now
}

// resting tells whether no streams may be made, but for a probe.
func (h *health) resting(now time.Time) bool { return h.state != stateFull || now.Before(h.rests) }

// due tells whether it is time for a probe.
func (h *health) due(now time.Time) bool {
	return !h.well() && h.probing == nil && !now.Before(h.probe)
}

// next is when time alone changes something, zero if never.
func (h *health) next(now time.Time, looks bool) time.Time {
	var when time.Time
	if h.well() {
		return when
	}
	for _, t := range []time.Time{h.probe, h.rests} {
		if t.After(now) {
			when = earliest(when, t)
		}
	}
	if looks {
		when = earliest(when, h.look)
	}
	return when
}

package lease

import (
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A renewer keeps the lease of one stream. The keeper's goroutine runs it. It never touches the journal: a slow disk costs no lease.
type renewer struct {
	keeper   *Keeper
	api      API
	lease    *Lease
	failures int // keepalives that failed in a row
}

// errEnded is what a stream is lost with when the service says that it has ended.
var errEnded = errors.New("the service says it has ended")

// run renews until ctx ends, which returns nil, or the stream is lost, which returns why.
func (r *renewer) run(ctx context.Context) error {
	timer := time.NewTimer(r.first())
	defer timer.Stop()
	woken := r.woken()
	for {
		var asked chan error
		select {
		case <-ctx.Done():
			return nil
		case <-woken: // the timer knows nothing of a sleep
			woken = r.woken()
		case asked = <-r.requests():
		case <-timer.C:
		}
		wait, lost, err := r.renew(ctx, woken)
		if asked != nil {
			asked <- err
		}
		if ctx.Err() != nil {
			return nil
		}
		if lost != nil {
			return lost
		}
		timer.Reset(wait)
	}
}

// requests are the renewals that others ask for. While keepalives fail they wait for the next one that is due: to be asked for more of them
// is no reason to send more.
func (r *renewer) requests() <-chan chan error {
	if r.failures > 0 {
		return nil
	}
	return r.lease.renewals
}

// first is the wait for the first keepalive. An adopted stream needs it now, to learn whether it lives and for a grant.
func (r *renewer) first() time.Duration {
	if r.lease.adopted {
		return 0
	}
	return cadence(r.lease.newest().TTL)
}

// cadence is how long to wait between keepalives: a third of the lease, so that two may fail, within the bounds that make sense of every
// ttl seen so far; a very short lease goes below them.
func cadence(ttl time.Duration) time.Duration {
	interval := min(max(ttl/3, 5*time.Second), 120*time.Second)
	return max(breath, jitter(min(interval, ttl/3)))
}

// breath is the shortest time between keepalives, should a lease ever be so short that it cannot be held.
const breath = 100 * time.Millisecond

// deadline is when the lease has to be renewed at the latest: some time before it runs out, for the way there and for clocks that differ.
func deadline(s overshoot.Stream) time.Time {
	return s.SentAt.Add(s.TTL - min(15*time.Second, s.TTL/4))
}

func (r *renewer) woken() <-chan struct{} {
	if r.keeper.Woken == nil {
		return nil
	}
	return r.keeper.Woken()
}

// renew sends one keepalive. It tells when to send the next, or that the stream is lost.
func (r *renewer) renew(ctx context.Context, woken <-chan struct{}) (wait time.Duration, lost, err error) {
	old := r.lease.newest()
	renewed, err := r.keepalive(ctx, old, woken)
	if err == nil {
		r.failures = 0
		r.keeper.renewed(r.lease, renewed)
		return cadence(renewed.TTL), nil, nil
	}
	if answer, ok := errors.AsType[*overshoot.Error](err); !ok || answer.OutcomeUnknown() {
		r.lease.mayLive(old.TTL + slack) // it may have been renewed without our knowing
	}
	if ctx.Err() != nil {
		return 0, nil, err
	}
	r.keeper.Metrics.keepaliveFailures.Inc()
	if action := overshoot.ActionOf(err); action == overshoot.ActionRecreate || action == overshoot.ActionConfirm {
		return 0, err, err
	}
	r.keeper.Part.Set(stateFor(err, "renewing"), err)
	if time.Now().After(deadline(old)) {
		lost = r.confirm(ctx, old, err)
	}
	return r.retryIn(old, err), lost, err
}

// keepalive sends one for so long that a hanging one leaves time for others. One that hangs while the machine wakes up is given up: its
// connection is dead, and a new one has to be sent first of all.
func (r *renewer) keepalive(ctx context.Context, s overshoot.Stream, woken <-chan struct{}) (overshoot.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, s.TTL/4)
	defer cancel()
	go func() {
		select {
		case <-woken:
			cancel()
		case <-ctx.Done():
		}
	}()
	return r.api.Keepalive(ctx, s.ID, s.Region)
}

// confirm asks whether a stream that could not be renewed in time still lives. No answer is no proof: then the keepalives go on, and one
// of them will be told. But where they are refused for as long as the stream can have lived at all, nobody will tell.
func (r *renewer) confirm(ctx context.Context, s overshoot.Stream, refusal error) (lost error) {
	state, err := r.api.Get(ctx, s.ID, s.Region)
	switch {
	case overshoot.ActionOf(err) == overshoot.ActionRecreate:
		return err
	case err == nil && !state.Active:
		return errEnded
	case err != nil && refused(refusal) && time.Now().After(r.lease.over):
		return refusal
	}
	return nil
}

// refused tells whether only a person can end what the service refuses, so that repeating it soon changes nothing.
func refused(err error) bool { return stateFor(err, "") != "" }

// retryIn is the wait after a failed keepalive: three quick tries, then steady ones. Both pauses are so short against the lease that it
// lasts for 25 tries even if most of them fail: a keepalive costs nothing, and a lost stream loses its history.
func (r *renewer) retryIn(s overshoot.Stream, err error) time.Duration {
	r.failures++
	wait := min(time.Second, s.TTL/40)
	if r.failures > 3 {
		wait = min(5*time.Second, s.TTL/40)
	}
	if refused(err) {
		wait = s.TTL / 6
	}
	wait = max(breath, jitter(wait))
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		wait = max(wait, e.Delay())
	}
	return wait
}

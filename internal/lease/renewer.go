package lease

import (
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A renewer keeps the lease of one stream. One goroutine runs it.
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
	timer := time.NewTimer(cadence(r.lease.newest().TTL))
	defer timer.Stop()
	for {
		var asked chan error
		select {
		case <-ctx.Done():
			return nil
		case asked = <-r.lease.renewals:
		case <-timer.C:
		}
		wait, lost, err := r.renew(ctx)
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

// cadence is how long to wait between keepalives: a third of the lease, so that two may fail, within the bounds that make sense of every
// ttl seen so far; a very short lease goes below them.
func cadence(ttl time.Duration) time.Duration {
	interval := min(max(ttl/3, 5*time.Second), 120*time.Second)
	return jitter(min(interval, ttl/3))
}

// deadline is when the lease has to be renewed at the latest: some time before it runs out, for the way there and for clocks that differ.
func deadline(s overshoot.Stream) time.Time {
	return s.SentAt.Add(s.TTL - min(15*time.Second, s.TTL/4))
}

// renew sends one keepalive. It tells when to send the next, or that the stream is lost.
func (r *renewer) renew(ctx context.Context) (wait time.Duration, lost, err error) {
	old := r.lease.newest()
	bounded, cancel := context.WithTimeout(ctx, old.TTL/4) // one that hangs must leave time for others
	renewed, err := r.api.Keepalive(bounded, old.ID, old.Region)
	cancel()
	if err == nil {
		r.lease.renewed(renewed)
		r.failures = 0
		r.keeper.Part.Set("active", nil)
		r.keeper.Part.Well()
		r.keeper.Metrics.expiry.Set(float64(time.Now().Add(renewed.TTL).Unix()))
		return cadence(renewed.TTL), nil, nil
	}
	if ctx.Err() != nil {
		return 0, nil, err
	}
	r.keeper.Metrics.keepaliveFailures.Inc()
	switch overshoot.ActionOf(err) {
	case overshoot.ActionRecreate, overshoot.ActionConfirm:
		return 0, err, err
	case overshoot.ActionStop, overshoot.ActionFix:
		r.keeper.Part.Set("refused", err)
	case overshoot.ActionPause:
		r.keeper.Part.Set("paused", err)
	default:
		r.keeper.Part.Set("renewing", err)
	}
	if time.Now().After(deadline(old)) {
		lost = r.confirm(ctx, old)
	}
	return r.retryIn(old, err), lost, err
}

// confirm asks whether a stream that could not be renewed in time still lives. No answer is no proof: then the keepalives go on, and one
// of them will be told.
func (r *renewer) confirm(ctx context.Context, s overshoot.Stream) (lost error) {
	state, err := r.api.Get(ctx, s.ID, s.Region)
	switch {
	case overshoot.ActionOf(err) == overshoot.ActionRecreate:
		return err
	case err == nil && !state.Active:
		return errEnded
	}
	return nil
}

// retryIn is the wait after a failed keepalive: three quick tries, then steady ones. Both pauses are so short against the lease that it
// lasts for 25 tries even if most of them fail: a keepalive costs nothing, and a lost stream loses its history.
func (r *renewer) retryIn(s overshoot.Stream, err error) time.Duration {
	r.failures++
	wait := min(time.Second, s.TTL/40)
	if r.failures > 3 {
		wait = min(5*time.Second, s.TTL/40)
	}
	if action := overshoot.ActionOf(err); action == overshoot.ActionStop || action == overshoot.ActionPause || action == overshoot.ActionFix {
		wait = s.TTL / 6 // repeating it soon changes nothing
	}
	wait = jitter(wait)
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		wait = max(wait, e.Delay())
	}
	return wait
}

// Package retry waits longer after each failure, with jitter, until told that things went well.
//
// The intervals are those of cenkalti/backoff; its own loop is not used, because it gives up after a while and we never do.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A Pause yields the waits between the attempts of one loop. It belongs to that loop's goroutine.
type Pause struct{ backoff *backoff.ExponentialBackOff }

// NewPause returns pauses that start around first and double up to around longest, each jittered by half either way, so that
// a fleet that lost power does not come back in step.
func NewPause(first, longest time.Duration) *Pause {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = first, longest
	b.RandomizationFactor, b.Multiplier = 0.5, 2
	b.Reset()
	return &Pause{b}
}

// Next returns how long to wait now and makes the wait after it longer.
func (p *Pause) Next() time.Duration { return p.backoff.NextBackOff() }

// Reset makes the next wait the first one again. Call it after real success only, not after a connection was merely accepted.
func (p *Pause) Reset() { p.backoff.Reset() }

// Wait sleeps for the next pause and reports false as soon as ctx has ended.
func (p *Pause) Wait(ctx context.Context) bool { return Sleep(ctx, p.Next()) }

// Sleep waits for d and reports false as soon as ctx has ended.
func Sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

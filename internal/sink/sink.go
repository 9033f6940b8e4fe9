// Package sink brings results to where people want them. Each kind of sink is a folder below this one; it knows nothing of its siblings,
// of retries or of queues. What all kinds promise is tested by the package sinktest.
package sink

import (
	"context"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A Sink is one place results go to. It connects when there is something to deliver, and again whenever it has to: whatever the far side does,
// the worst that follows is an error.
type Sink interface {
	// Deliver blocks until the far side has the results, in order. taken counts from the front of the batch what is delivered for good,
	// and err says why the next one was not; without an error all are taken. The rest comes again, with the same ids, so a
	// result may arrive twice. Deliver returns soon after ctx has ended, with its cause. The batch is not changed.
	//
	// An *Error says what to do next; after any other error the loop tries again. Neither holds secrets. Called from one goroutine.
	Deliver(ctx context.Context, batch []result.Result) (taken int, err error)
	// Close is called once, after the last Deliver. It does not wait for the far side.
	Close() error
}

// Kind says what a failure means for what is to be delivered.
type Kind string

// The kinds of failure.
const (
	// Again: it may pass. The result is tried again without end, with growing pauses.
	Again Kind = "again"
	// Refused: the far side does not want this very result. After some tries it is put aside as a dead letter, and the next one has its turn.
	Refused Kind = "refused"
	// Gone: the far side is closed for good. Nothing is tried until the configuration is loaded again.
	Gone Kind = "gone"
)

// An Error is a failure of which a sink knows more than that it happened.
type Error struct {
	Kind       Kind
	RetryAfter time.Duration // the far side wants no try before; 0: it did not say. No more than 5 minutes are obeyed.
	Final      bool          // of Refused: another try is of no use
	Err        error         // what happened, without secrets
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

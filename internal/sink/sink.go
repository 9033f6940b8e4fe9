// Package sink brings results to where people want them. Each kind of sink is a folder below this one; it knows nothing of its siblings,
// of retries or of queues.
package sink

import (
	"context"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A Sink is one place results go to.
type Sink interface {
	// Deliver blocks until the far side has the whole batch, in order. nil: all taken. Any error: the batch is kept and tried again, so
	// a result may arrive twice, with the same id. Errors carry no secrets. Called from one goroutine.
	Deliver(ctx context.Context, batch []result.Result) error
	// Close is called once, after the last Deliver.
	Close() error
}

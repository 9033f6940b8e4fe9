package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// Kind is the part of the status board that shows a sink.
var Kind = status.Kind{Name: "sink", States: []string{"idle", "failing"}}

// A Queue holds the results that one sink has not taken yet.
type Queue interface {
	// Next blocks until there is something or ctx ends, and returns up to max results, oldest first. It returns the same ones until Done.
	Next(ctx context.Context, max int) ([]result.Result, error)
	// Done forgets the n oldest.
	Done(n int)
	// Len tells how many wait.
	Len() int
}

// A Loop delivers the results of one queue to one sink, without end. Each sink has its own, so that one that is down or slow delays nobody else.
type Loop struct {
	Name    string
	Sink    Sink
	Queue   Queue
	Part    *status.Part
	Metrics *Metrics
}

const (
	batchSize = 64
	// attempt bounds one Deliver; a sink that hangs must not hang the queue for ever.
	attempt = 30 * time.Second
)

// Run blocks until ctx ends. Then it delivers what still waits, until grace is over, and closes the sink. What could not be delivered
// even then is told in the error.
func (l *Loop) Run(ctx context.Context, grace time.Duration) error {
	l.deliverAll(ctx, false)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	l.deliverAll(last, true)
	err := l.Sink.Close()
	if left := l.Queue.Len(); left > 0 {
		return fmt.Errorf("sink %q: %d results could not be delivered before the end", l.Name, left)
	}
	return err
}

// deliverAll delivers until ctx ends or, where drain is set, the queue is empty.
func (l *Loop) deliverAll(ctx context.Context, drain bool) {
	pause := retry.NewPause(500*time.Millisecond, time.Minute)
	for !drain || l.Queue.Len() > 0 {
		batch, err := l.Queue.Next(ctx, batchSize)
		if err != nil {
			return
		}
		if err := l.deliver(ctx, batch); err != nil {
			if ctx.Err() != nil {
				return // it was we who broke it off
			}
			l.Metrics.failures.Inc()
			l.Part.Set("failing", err)
			if !pause.Wait(ctx) {
				return
			}
			continue
		}
		pause.Reset()
		l.Queue.Done(len(batch))
		l.Part.Set("idle", nil)
		l.Part.Well()
	}
}

func (l *Loop) deliver(ctx context.Context, batch []result.Result) error {
	ctx, cancel := context.WithTimeoutCause(ctx, attempt, fmt.Errorf("no answer for %v", attempt))
	defer cancel()
	started := time.Now()
	err := l.Sink.Deliver(ctx, batch)
	l.Metrics.delivery.Observe(time.Since(started).Seconds())
	if err != nil {
		return err
	}
	l.Metrics.sent.Add(float64(len(batch)))
	l.Metrics.lastSuccess.SetToCurrentTime()
	return nil
}

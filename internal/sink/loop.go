package sink

import (
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"go.uber.org/zap"
)

// StatusKind is the part of the status board that shows a sink. gone: nothing is tried until the configuration is loaded again.
var StatusKind = status.Kind{Name: "sink", States: []string{"idle", "failing", "gone"}}

// A Queue holds the results that one sink has not taken yet.
type Queue interface {
	// Next blocks until there is something or ctx ends, and returns up to max results, of each camera and watch the oldest first. Until Done or Dead it returns the
	// same ones. While the disk hangs it blocks beyond the end of ctx, and so does Dead.
	Next(ctx context.Context, max int) ([]result.Result, error)
	// Done forgets the n oldest.
	Done(n int)
	// Dead puts the oldest aside, which the sink refused so many times; reason is without secrets.
	Dead(reason string, attempts int)
	// Len tells how many wait. Any goroutine may ask.
	Len() int
	// Oldest tells for how long the oldest has been waiting; 0 when nothing is. Any goroutine may ask.
	Oldest() time.Duration
}

// A Loop delivers the results of one queue to one sink, without end. Each sink has its own, so that one that is down, slow or hangs delays
// nobody else. Results that cannot be delivered stay in the queue, in order, but for those that the sink refuses.
type Loop struct {
	Name        string
	Sink        Sink
	Queue       Queue
	MaxAttempts int // how often a result may be refused before it is put aside; at least 1
	Part        *status.Part
	Metrics     *Metrics
	Log         *zap.Logger

	patience patience
	refusals int            // of the oldest result
	aside    int            // how many were put aside since the sink took one
	gone     bool           // the far side is closed for good
	asked    time.Time      // the far side wants no try before
	stuck    <-chan outcome // of the last Deliver, from which the sink did not come back; nil: it did
}

const (
	// BatchSize is how many results one Deliver gets at most.
	BatchSize = 64
	// closing bounds how long a sink may take to close.
	closing = 3 * time.Second
)

var errClosing = errors.New("the sink hangs while it is closed, and is left alone")

// Run blocks until ctx ends. Then it delivers what still waits, until grace is over, unless the cause is supervisor.ErrReplaced. It closes the
// sink, whatever happened: the next loop has another one. What was not delivered stays in the queue.
func (l *Loop) Run(ctx context.Context, grace time.Duration) (err error) {
	showing, enough := context.WithCancel(ctx)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_ = guard.Run(func() error { l.showLag(showing); return nil }) // a status page without lags is no reason to end
	}()
	defer func() {
		enough()
		<-shown
		err = l.close()
	}()
	l.patience = newPatience()
	l.deliverAll(ctx, false)
	if time.Now().Before(l.asked) || errors.Is(context.Cause(ctx), supervisor.ErrReplaced) {
		return nil // that we stop is no reason to knock earlier, and a loop that takes our place goes on at once
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	l.deliverAll(last, true)
	return nil
}

// close closes the sink, which must not hold up the agent. One that is in a Deliver still is closed when that comes back.
func (l *Loop) close() error {
	closed := make(chan error, 1)
	go func() {
		if l.stuck != nil {
			<-l.stuck
		}
		closed <- guard.Run(l.Sink.Close)
	}()
	if l.stuck != nil {
		return nil
	}
	timer := time.NewTimer(closing)
	defer timer.Stop()
	select {
	case err := <-closed:
		return err
	case <-timer.C:
		l.Log.Warn("closing a sink", zap.String("sink", l.Name), zap.Error(errClosing))
		return errClosing
	}
}

// deliverAll delivers until ctx ends or, where drain is set, the queue is empty.
func (l *Loop) deliverAll(ctx context.Context, drain bool) {
	for l.stuck == nil && (!drain || !l.gone && l.Queue.Len() > 0) {
		if l.gone {
			<-ctx.Done()
			return
		}
		size := BatchSize
		if l.refusals > 0 {
			size = 1 // so that its neighbours are not sent with it over and over
		}
		batch, err := l.Queue.Next(ctx, size)
		if err != nil {
			return
		}
		taken, err := l.attempt(ctx, batch)
		l.settle(batch[:min(taken, len(batch))])
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return // it was we who broke it off
		}
		if !l.judge(err, batch[min(taken, len(batch)-1)]).wait(ctx) {
			return
		}
	}
}

// settle notes that the sink has taken some results.
func (l *Loop) settle(taken []result.Result) {
	n := len(taken)
	if n == 0 {
		return
	}
	l.Queue.Done(n)
	for _, r := range taken {
		l.Metrics.age.Observe(time.Since(r.Time.Add(r.Latency)).Seconds())
	}
	l.refusals, l.aside = 0, 0
	l.patience.reset()
	l.Metrics.sent.Add(float64(n))
	l.Metrics.lastSuccess.SetToCurrentTime()
	l.Part.Set("idle", nil)
	l.Part.Well()
	l.Part.Detail("last_success", now())
}

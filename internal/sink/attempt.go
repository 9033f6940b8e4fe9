package sink

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"go.uber.org/zap"
)

const (
	// attemptLimit bounds one Deliver; what was taken until then is settled, and the rest comes again.
	attemptLimit = time.Minute
	// leeway is how long a Deliver may take to notice that its time is up.
	leeway = time.Second
)

var (
	errNoAnswer = fmt.Errorf("no answer for %v", attemptLimit)
	// errHangs is shown while a sink does not even come back when its time is up, such as one that writes to a dead network drive.
	errHangs = fmt.Errorf("no answer for %v, and the attempt cannot be broken off", attemptLimit+leeway)
	// errPanicked stands for a panic, whose own words may hold anything.
	errPanicked = errors.New("a mistake in the agent: the delivery panicked, the log says where")
)

// outcome is what a Deliver returned.
type outcome struct {
	taken int
	err   error
}

// attempt makes one delivery. It returns within leeway after ctx has ended, even when the sink does not.
func (l *Loop) attempt(ctx context.Context, batch []result.Result) (taken int, err error) {
	limited, cancel := context.WithTimeoutCause(ctx, attemptLimit, errNoAnswer)
	defer cancel()
	started := time.Now()
	ended := make(chan outcome, 1)
	go func() { ended <- l.call(limited, batch) }()
	o, back := await(ctx, limited, ended, func() { l.Part.Set("failing", errHangs) })
	if !back {
		l.stuck = ended
		return 0, context.Cause(ctx)
	}
	l.Metrics.delivery.Observe(time.Since(started).Seconds())
	switch {
	case o.err == nil:
		return len(batch), nil
	case o.taken > 0 && limited.Err() != nil && ctx.Err() == nil:
		return o.taken, nil // it is slow, and works
	}
	return o.taken, o.err
}

// await waits for a delivery. When that outlives limited, late is called; when it outlives ctx, back is false.
func await(ctx, limited context.Context, ended <-chan outcome, late func()) (o outcome, back bool) {
	select {
	case o = <-ended:
		return o, true
	case <-limited.Done():
	}
	timer := time.NewTimer(leeway)
	defer timer.Stop()
	select {
	case o = <-ended:
		return o, true
	case <-timer.C:
		if ctx.Err() != nil {
			return o, false
		}
		late()
	}
	select {
	case o = <-ended:
		return o, true
	case <-ctx.Done():
		return o, false
	}
}

// call calls the sink, and mistrusts what it returns.
func (l *Loop) call(ctx context.Context, batch []result.Result) (o outcome) {
	o.err = guard.Run(func() (err error) {
		o.taken, err = l.Sink.Deliver(ctx, batch)
		return err
	})
	if o.taken = max(0, o.taken); o.taken >= len(batch) {
		o.err = nil
	}
	if guard.Panicked(o.err) {
		l.Log.Error("a delivery panicked", zap.String("sink", l.Name), zap.Error(o.err))
		o = outcome{0, &Error{Kind: Refused, Err: errPanicked}} // it may be this result that it cannot digest
	}
	return o
}

package sink_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// mined is a queue with a mistake in it.
type mined struct{ *queue }

func (mined) Dead(string, int) { panic("a mistake") }

// The next life of the unit makes a sink of its own; two connections with one client id throw each other out of a broker for ever.
func TestALoopThatPanicsClosesItsSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(context.Context, int, []result.Result) (int, error) {
			return 0, &sink.Error{Kind: sink.Refused, Final: true, Err: errors.New("no")}
		}}
		q := newQueue()
		q.Add(result.Result{ID: "0"})
		l := &sink.Loop{
			Name: "s", Sink: p, Queue: mined{q}, MaxAttempts: 1, Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("s", sink.StatusKind),
			Metrics: sink.NewVectors(prometheus.NewRegistry()).Sink("s"), Log: zap.NewNop(),
		}
		err := guard.Run(func() error { return l.Run(t.Context(), time.Second) })
		if !guard.Panicked(err) || !p.closed {
			t.Errorf("ended with %v, closed %v", err, p.closed)
		}
	}) // and none of its goroutines is left
}

// hinge is a sink that takes everything and cannot be closed.
type hinge struct{ release chan struct{} }

func (hinge) Deliver(_ context.Context, batch []result.Result) (int, error) { return len(batch), nil }

func (h hinge) Close() error {
	<-h.release
	return nil
}

func TestASinkThatHangsWhenItIsClosedHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hinge{make(chan struct{})}
		r := run(t, h, time.Second)
		start := time.Now()
		if err := r.end(); err == nil || time.Since(start) > 5*time.Second || r.logs.FilterMessageSnippet("closing").Len() != 1 {
			t.Errorf("ended after %v with %v; the log has %v", time.Since(start), err, r.logs.All())
		}
		close(h.release)
	})
}

// A reload waits for the sinks that it changes, and cameras wait for the reload.
func TestALoopThatIsReplacedEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: until(time.Hour, errors.New("down"))}
		ctx, replace := context.WithCancelCause(t.Context())
		r := runIn(ctx, p, 2*time.Second)
		r.add(3)
		time.Sleep(time.Minute)
		synctest.Wait()
		start, tries := time.Now(), len(p.tries)
		replace(supervisor.ErrReplaced)
		if err := <-r.ended; err != nil || time.Since(start) > 0 || len(p.tries) != tries || r.queue.Len() != 3 || !p.closed {
			t.Errorf("ended after %v and %d more tries with %v; %d wait, closed %v", time.Since(start), len(p.tries)-tries, err, r.queue.Len(), p.closed)
		}
	})
}

func TestTheEndKnocksNoEarlierThanTheFarSideAsked(t *testing.T) {
	for asked, want := range map[time.Duration]int{0: 2, time.Minute: 1} {
		synctest.Test(t, func(t *testing.T) {
			p := &place{answer: func(context.Context, int, []result.Result) (int, error) {
				return 0, &sink.Error{Kind: sink.Again, RetryAfter: asked, Err: errors.New("429")}
			}}
			r := run(t, p, 100*time.Millisecond)
			r.add(1)
			synctest.Wait()
			if err := r.end(); err != nil || len(p.tries) != want || r.queue.Len() != 1 || !p.closed {
				t.Errorf("asked for %v: %d tries, %v", asked, len(p.tries), err)
			}
		})
	}
}

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// place is a sink whose far side the test plays.
type place struct {
	answer func(ctx context.Context, try int, batch []result.Result) (taken int, err error) // nil: takes all
	tries  []time.Time
	took   []string
	sizes  []int
	closed bool
}

func (p *place) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	p.tries = append(p.tries, time.Now())
	p.sizes = append(p.sizes, len(batch))
	taken = len(batch)
	if p.answer != nil {
		taken, err = p.answer(ctx, len(p.tries), batch)
	}
	for _, r := range batch[:taken] {
		p.took = append(p.took, r.ID)
	}
	return taken, err
}

func (p *place) Close() error {
	p.closed = true
	return nil
}

// until makes a far side that fails until some time has passed.
func until(d time.Duration, err error) func(context.Context, int, []result.Result) (int, error) {
	start := time.Now()
	return func(_ context.Context, _ int, batch []result.Result) (int, error) {
		if time.Since(start) < d {
			return 0, err
		}
		return len(batch), nil
	}
}

// without makes a far side that takes everything up to one result.
func without(id string, err error) func(context.Context, int, []result.Result) (int, error) {
	return func(_ context.Context, _ int, batch []result.Result) (int, error) {
		if i := slices.IndexFunc(batch, func(r result.Result) bool { return r.ID == id }); i >= 0 {
			return i, err
		}
		return len(batch), nil
	}
}

// running is a loop in the background.
type running struct {
	queue    *queue
	part     *status.Part
	registry *prometheus.Registry
	logs     *observer.ObservedLogs
	stop     context.CancelFunc
	ended    chan error
	want     []string
}

func run(t *testing.T, s sink.Sink, grace time.Duration) *running {
	return runIn(t.Context(), s, grace)
}

func runIn(ctx context.Context, s sink.Sink, grace time.Duration) *running {
	ctx, cancel := context.WithCancel(ctx)
	core, logs := observer.New(zap.InfoLevel)
	registry := prometheus.NewRegistry()
	r := &running{
		queue: newQueue(), registry: registry, logs: logs,
		stop: cancel, ended: make(chan error, 1), part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("s", sink.StatusKind),
	}
	l := &sink.Loop{
		Name: "s", Sink: s, Queue: r.queue, MaxAttempts: 5, Part: r.part, Metrics: sink.NewVectors(registry).Sink("s"), Log: zap.New(core),
	}
	go func() { r.ended <- l.Run(ctx, grace) }()
	return r
}

// end ends the loop and returns what Run did.
func (r *running) end() error {
	r.stop()
	return <-r.ended
}

func (r *running) add(n int) {
	var all []result.Result
	for range n {
		id := fmt.Sprint(len(r.want))
		r.want = append(r.want, id)
		all = append(all, result.Result{ID: id, Time: time.Now()})
	}
	r.queue.Add(all...) // at once, so that batches are as full as can be
}

func TestResultsArriveInOrderAndInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		r := run(t, p, time.Second)
		synctest.Wait()
		r.add(1)
		synctest.Wait()
		r.add(200)
		synctest.Wait()
		if !slices.Equal(p.took, r.want) || slices.Max(p.sizes) > 64 || r.queue.Len() != 0 {
			t.Errorf("took %v in batches of %v", p.took, p.sizes)
		}
		if got := r.part.View(); got.State != "idle" {
			t.Errorf("the status is %+v", got)
		}
		r.stop()
		if err := <-r.ended; err != nil || !p.closed {
			t.Errorf("ended with %v, closed %v", err, p.closed)
		}
	})
}

func TestASinkThatIsDownForAnHourLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: until(time.Hour, errors.New("no such host"))}
		r := run(t, p, time.Second)
		for range 3600 {
			r.add(1)
			time.Sleep(time.Second)
		}
		if got := r.part.View(); got.State != "failing" || got.Error != "no such host" {
			t.Errorf("the status is %+v", got)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !slices.Equal(p.took, r.want) {
			t.Errorf("took %d of %d", len(p.took), len(r.want))
		}
		if got := r.part.View(); got.State != "idle" || got.Error != "" {
			t.Errorf("the status is %+v", got)
		}
		if err := r.end(); err != nil {
			t.Error(err)
		}
		if n := len(p.tries); n < 400 || n > 1200 {
			t.Errorf("%d tries in an hour", n)
		}
	})
}

func TestASinkThatHangsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(ctx context.Context, try int, batch []result.Result) (int, error) {
			if try == 1 {
				<-ctx.Done()
				return 0, context.Cause(ctx)
			}
			return len(batch), nil
		}}
		r := run(t, p, time.Second)
		r.add(1)
		time.Sleep(time.Minute + time.Millisecond)
		if text := r.part.View().Error; text != "no answer for 1m0s" {
			t.Errorf("the error is %q", text)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if !slices.Equal(p.took, r.want) {
			t.Errorf("took %v", p.took)
		}
		r.stop()
		<-r.ended
	})
}

func TestWhatWaitsAtTheEndIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(ctx context.Context, _ int, batch []result.Result) (int, error) {
			select {
			case <-time.After(time.Second):
				return len(batch), nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}}
		r := run(t, p, 10*time.Second)
		r.add(150)
		time.Sleep(500 * time.Millisecond) // in the midst of the first batch
		r.stop()
		if err := <-r.ended; err != nil || !slices.Equal(p.took, r.want) || !p.closed {
			t.Errorf("ended with %v; took %d of %d, closed %v", err, len(p.took), len(r.want), p.closed)
		}
	})
}

func TestWhatCannotBeDeliveredAtTheEndStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: until(time.Hour, errors.New("down"))}
		r := run(t, p, 5*time.Second)
		r.add(7)
		time.Sleep(time.Minute)
		r.stop()
		start := time.Now()
		if err := <-r.ended; err != nil || r.queue.Len() != 7 {
			t.Errorf("ended with %v, %d wait", err, r.queue.Len())
		}
		if took := time.Since(start); took > 5*time.Second || !p.closed {
			t.Errorf("took %v, closed %v", took, p.closed)
		}
	})
}

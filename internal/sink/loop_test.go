package sink_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// place is a sink whose far side the test plays.
type place struct {
	answer func(ctx context.Context, try int) error // nil: takes all
	tries  []time.Time
	took   []string
	sizes  []int
	closed bool
}

func (p *place) Deliver(ctx context.Context, batch []result.Result) error {
	p.tries = append(p.tries, time.Now())
	if p.answer != nil {
		if err := p.answer(ctx, len(p.tries)); err != nil {
			return err
		}
	}
	p.sizes = append(p.sizes, len(batch))
	for _, r := range batch {
		p.took = append(p.took, r.ID)
	}
	return nil
}

func (p *place) Close() error {
	p.closed = true
	return nil
}

// running is a loop in the background.
type running struct {
	queue *spool.Memory
	part  *status.Part
	stop  context.CancelFunc
	ended chan error
	want  []string
}

func run(t *testing.T, p *place, grace time.Duration) *running {
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{
		queue: spool.NewMemory(1000, spool.NewVectors(prometheus.NewRegistry()).Sink("s")), stop: cancel, ended: make(chan error, 1),
		part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("s", sink.Kind),
	}
	l := &sink.Loop{Name: "s", Sink: p, Queue: r.queue, Part: r.part, Metrics: sink.NewVectors(prometheus.NewRegistry()).Sink("s")}
	go func() { r.ended <- l.Run(ctx, grace) }()
	return r
}

func (r *running) add(n int) {
	for range n {
		id := fmt.Sprint(len(r.want))
		r.want = append(r.want, id)
		r.queue.Add(result.Result{ID: id})
	}
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

func TestASinkThatIsDownLosesNothingAndIsTriedForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		p := &place{answer: func(context.Context, int) error {
			if time.Since(start) < 2*time.Hour {
				return errors.New("no such host")
			}
			return nil
		}}
		r := run(t, p, time.Second)
		r.add(300)
		time.Sleep(time.Hour)
		if got := r.part.View(); got.State != "failing" || got.Error != "no such host" {
			t.Errorf("the status is %+v", got)
		}
		r.add(300)
		time.Sleep(time.Hour + 2*time.Minute)
		synctest.Wait()
		if !slices.Equal(p.took, r.want) {
			t.Errorf("took %d of %d", len(p.took), len(r.want))
		}
		if n := len(p.tries); n < 100 || n > 300 {
			t.Errorf("%d tries in two hours", n)
		}
		if got := r.part.View(); got.State != "idle" || got.Error != "" {
			t.Errorf("the status is %+v", got)
		}
		r.stop()
		<-r.ended
	})
}

func TestASinkThatHangsIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(ctx context.Context, try int) error {
			if try == 1 {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		}}
		r := run(t, p, time.Second)
		r.add(1)
		time.Sleep(30*time.Second + time.Millisecond)
		if text := r.part.View().Error; text != "no answer for 30s" {
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
		p := &place{answer: func(ctx context.Context, _ int) error {
			select {
			case <-time.After(time.Second):
				return nil
			case <-ctx.Done():
				return ctx.Err()
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

func TestWhatCannotBeDeliveredAtTheEndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(context.Context, int) error { return errors.New("down") }}
		r := run(t, p, 5*time.Second)
		r.add(7)
		time.Sleep(time.Minute)
		r.stop()
		start := time.Now()
		if err := <-r.ended; err == nil || !strings.Contains(err.Error(), `"s": 7 results could not be delivered`) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(start); took > 5*time.Second || !p.closed {
			t.Errorf("took %v, closed %v", took, p.closed)
		}
	})
}

func TestTheRouterFollowsTheWatch(t *testing.T) {
	got := map[string][]string{}
	into := func(queue string) func(result.Result) {
		return func(r result.Result) { got[queue] = append(got[queue], r.ID) }
	}
	r := sink.NewRouter()
	r.Accept(result.Result{ID: "too early", Watch: "people"})
	r.Set(sink.Routes{"people": {into("file"), into("webhook")}, "cars": {into("webhook")}})
	for id, watch := range []string{"people", "cars", "unknown", "people"} {
		r.Accept(result.Result{ID: fmt.Sprint(id), Watch: watch})
	}
	if !slices.Equal(got["file"], []string{"0", "3"}) || !slices.Equal(got["webhook"], []string{"0", "1", "3"}) {
		t.Errorf("got %v", got)
	}
	r.Set(sink.Routes{"cars": {into("file")}})
	r.Accept(result.Result{ID: "4", Watch: "cars"})
	r.Accept(result.Result{ID: "5", Watch: "people"})
	if !slices.Equal(got["file"], []string{"0", "3", "4"}) || len(got["webhook"]) != 3 {
		t.Errorf("after the routes were changed: %v", got)
	}
}

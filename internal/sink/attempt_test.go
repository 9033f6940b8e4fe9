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
)

func TestWhatWasTakenDoesNotComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(_ context.Context, try int, batch []result.Result) (int, error) {
			return min(len(batch), 3), &sink.Error{Kind: sink.Again, Err: errors.New("that was enough")}
		}}
		r := run(t, p, time.Second)
		r.add(20)
		start := time.Now()
		for r.queue.Len() > 0 {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if !slices.Equal(p.took, r.want) || time.Since(start) > 7*time.Second { // each time it is the first pause
			t.Errorf("took %v in %v", p.took, time.Since(start))
		}
		_ = r.end()
	})
}

func TestASlowSinkThatWorksIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(ctx context.Context, _ int, batch []result.Result) (n int, err error) {
			for ; n < len(batch); n++ {
				select {
				case <-time.After(7 * time.Second):
				case <-ctx.Done():
					return n, context.Cause(ctx)
				}
			}
			return n, nil
		}}
		r := run(t, p, time.Second)
		r.add(30)
		for r.queue.Len() > 0 {
			time.Sleep(time.Second)
			synctest.Wait()
			if v := r.part.View(); v.State != "idle" {
				t.Fatalf("the status is %+v", v)
			}
		}
		if !slices.Equal(p.took, r.want) {
			t.Errorf("took %v", p.took)
		}
		_ = r.end()
	})
}

func TestNumbersThatCannotBe(t *testing.T) {
	for _, taken := range []int{-5, 1000} {
		synctest.Test(t, func(t *testing.T) {
			p := &wild{taken}
			r := run(t, p, time.Second)
			r.add(3)
			time.Sleep(time.Minute)
			synctest.Wait()
			if left := r.queue.Len(); left != 3 && taken < 0 || left != 0 && taken > 0 {
				t.Errorf("%d: %d are left", taken, left)
			}
			_ = r.end()
		})
	}
}

// wild is a sink that miscounts.
type wild struct{ taken int }

func (w *wild) Deliver(context.Context, []result.Result) (int, error) {
	return w.taken, errors.New("confused")
}
func (*wild) Close() error { return nil }

func TestAResultThatMakesTheSinkPanicIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{}
		p.answer = func(_ context.Context, _ int, batch []result.Result) (int, error) {
			if slices.ContainsFunc(batch, func(r result.Result) bool { return r.ID == "2" }) {
				panic("canary")
			}
			return len(batch), nil
		}
		r := run(t, p, time.Second)
		r.add(5)
		time.Sleep(time.Minute)
		synctest.Wait()
		if !slices.Equal(p.took, []string{"0", "1", "3", "4"}) || len(r.queue.dead) != 1 || strings.Contains(fmt.Sprint(r.queue.dead, r.part.View()), "canary") {
			t.Errorf("took %v, dead are %v, the status is %+v", p.took, r.queue.dead, r.part.View())
		}
		if r.logs.FilterMessageSnippet("panicked").Len() == 0 {
			t.Error("the log says nothing")
		}
		_ = r.end()
	})
}

func TestASinkThatCannotBeBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := &place{answer: func(_ context.Context, try int, batch []result.Result) (int, error) {
			if try != 2 {
				<-release
			}
			return len(batch), nil
		}}
		r := run(t, p, 2*time.Second)
		r.add(1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if v := r.part.View(); v.State != "failing" || !strings.Contains(v.Error, "cannot be broken off") || len(p.tries) != 1 || v.Detail["waiting"] != "1" {
			t.Errorf("after %d tries the status is %+v", len(p.tries), v)
		}
		release <- struct{}{} // what it took in the end counts
		synctest.Wait()
		if v := r.part.View(); v.State != "idle" || !slices.Equal(p.took, r.want) {
			t.Errorf("took %v, the status is %+v", p.took, v)
		}
		r.add(1)
		synctest.Wait()
		r.add(1)
		synctest.Wait()
		start := time.Now()
		if err := r.end(); err != nil || time.Since(start) > 2*time.Second || p.closed {
			t.Errorf("ended after %v with %v; closed %v", time.Since(start), err, p.closed)
		}
		if v := r.part.View(); v.State != "idle" { // it had a second, and not a minute
			t.Errorf("the status is %+v", v)
		}
		close(release)
		synctest.Wait()
		if !p.closed {
			t.Error("what it has open stays open, although it came back")
		}
	})
}

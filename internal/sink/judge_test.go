package sink_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestAnHourWithoutTheFarSide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other := &place{answer: until(time.Hour, errors.New("connection refused"))}, &place{}
		r, beside := run(t, p, time.Second), run(t, other, time.Second)
		for range 3600 {
			r.add(1)
			beside.add(1)
			time.Sleep(time.Second)
			synctest.Wait()
			if beside.queue.Len() > 0 {
				t.Fatal("it holds up another sink")
			}
		}
		if v := r.part.View(); v.State != "failing" || v.Detail["waiting"] == "" || (v.Detail["oldest_age"] != "1h0m0s" && v.Detail["oldest_age"] != "59m55s") ||
			!strings.HasSuffix(v.Detail["last_error"], "Z connection refused") || v.Detail["last_success"] != "" {
			t.Errorf("the status is %+v", v)
		}
		back := time.Now()
		for r.queue.Len() > 0 {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if took := time.Since(back); took > 9*time.Second { // the longest pause: 5 s and half of it
			t.Errorf("it took %v to notice", took)
		}
		if !slices.Equal(p.took, r.want) || !slices.Equal(other.took, r.want) {
			t.Errorf("took %d and %d of %d in order", len(p.took), len(other.took), len(r.want))
		}
		time.Sleep(6 * time.Second)
		synctest.Wait()
		if v := r.part.View(); v.State != "idle" || v.Detail["waiting"] != "" || v.Detail["last_success"] == "" || len(r.queue.dead) > 0 {
			t.Errorf("the status is %+v, dead are %v", v, r.queue.dead)
		}
		if err := errors.Join(r.end(), beside.end()); err != nil {
			t.Error(err)
		}
	})
}

func TestWhatAFailureMeans(t *testing.T) {
	for name, tc := range map[string]struct {
		err              error
		state            string
		earliest, latest time.Duration // of the second try
		dead             bool          // after a minute
	}{
		"any error":             {errors.New("x"), "failing", 250 * time.Millisecond, 750 * time.Millisecond, false},
		"again":                 {&sink.Error{Kind: sink.Again, Err: errors.New("x")}, "failing", 250 * time.Millisecond, 750 * time.Millisecond, false},
		"again after 7s":        {&sink.Error{Kind: sink.Again, RetryAfter: 7 * time.Second, Err: errors.New("x")}, "failing", 7 * time.Second, 8 * time.Second, false},
		"again after a day":     {&sink.Error{Kind: sink.Again, RetryAfter: 24 * time.Hour, Err: errors.New("x")}, "failing", 5 * time.Minute, 330 * time.Second, false},
		"again in the past":     {&sink.Error{Kind: sink.Again, RetryAfter: -time.Hour, Err: errors.New("x")}, "failing", 250 * time.Millisecond, 750 * time.Millisecond, false},
		"refused":               {&sink.Error{Kind: sink.Refused, Err: errors.New("x")}, "failing", 250 * time.Millisecond, 750 * time.Millisecond, true},
		"refused for good":      {&sink.Error{Kind: sink.Refused, Final: true, Err: errors.New("x")}, "idle", 0, 0, true},
		"gone":                  {&sink.Error{Kind: sink.Gone, Err: errors.New("x")}, "gone", 0, 0, false},
		"wrapped, gone":         {errors.Join(&sink.Error{Kind: sink.Gone, Err: errors.New("x")}), "gone", 0, 0, false},
		"a kind without a name": {&sink.Error{Err: errors.New("x")}, "failing", 250 * time.Millisecond, 750 * time.Millisecond, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &place{answer: func(context.Context, int, []result.Result) (int, error) { return 0, tc.err }}
				r := run(t, p, time.Second)
				r.add(1)
				synctest.Wait()
				if v := r.part.View(); v.State != tc.state || v.Error != "x" {
					t.Errorf("the status is %+v", v)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if dead := len(r.queue.dead) > 0; dead != tc.dead {
					t.Errorf("dead are %v", r.queue.dead)
				}
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if tc.latest == 0 && len(p.tries) != 1 {
					t.Errorf("%d tries", len(p.tries))
				}
				if tc.latest > 0 {
					if d := p.tries[1].Sub(p.tries[0]); d < tc.earliest || d > tc.latest {
						t.Errorf("tried again after %v", d)
					}
				}
				_ = r.end()
			})
		})
	}
}

func TestAPoisonedResultIsPutAsideAndHoldsUpNobodyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: without("70", &sink.Error{Kind: sink.Refused, Err: errors.New("422 no such field")})}
		r := run(t, p, time.Second)
		r.add(200)
		start := time.Now()
		for r.queue.Len() > 0 {
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if d := time.Since(start); d > 13*time.Second { // 0.5+1+2+4 s, and half of it
			t.Errorf("it held up the others for %v", d)
		}
		if want := slices.Delete(slices.Clone(r.want), 70, 71); !slices.Equal(p.took, want) {
			t.Errorf("took %v", p.took)
		}
		if !slices.Equal(r.queue.dead, []string{"70: 422 no such field (5)"}) {
			t.Errorf("dead are %v", r.queue.dead)
		}
		if got := p.sizes[1:7]; !slices.Equal(got, []int{64, 1, 1, 1, 1, 64}) { // alone, once it was refused
			t.Errorf("the batches were %v", p.sizes)
		}
		if logs := r.logs.FilterMessageSnippet("put aside").All(); len(logs) != 1 || logs[0].ContextMap()["id"] != "70" {
			t.Errorf("the log has %v", logs)
		}
		if v := r.part.View(); v.State != "idle" || v.Error != "" {
			t.Errorf("the status is %+v", v)
		}
		_ = r.end()
	})
}

func TestAnOutageBetweenRefusalsDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(_ context.Context, try int, _ []result.Result) (int, error) {
			if try%2 == 0 {
				return 0, errors.New("down")
			}
			return 0, &sink.Error{Kind: sink.Refused, Err: errors.New("no")}
		}}
		r := run(t, p, time.Second)
		r.add(1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(p.tries) != 9 || r.queue.dead[0] != "0: no (5)" {
			t.Errorf("dead after %d tries: %v", len(p.tries), r.queue.dead)
		}
		_ = r.end()
	})
}

// A wrong password is no property of a result.
func TestAFarSideThatRefusesEverythingDoesNotEmptyTheQueueInMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: until(time.Hour, &sink.Error{Kind: sink.Refused, Err: errors.New("401")})}
		r := run(t, p, time.Second)
		r.add(1000)
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(r.queue.dead); n < 5 || n > 30 {
			t.Errorf("%d were put aside in an hour", n)
		}
		if v := r.part.View(); v.State != "failing" {
			t.Errorf("the status is %+v", v)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if len(p.took)+len(r.queue.dead) != 1000 {
			t.Errorf("took %d, put %d aside", len(p.took), len(r.queue.dead))
		}
		_ = r.end()
	})
}

func TestGoneIsLoudAndFinal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(_ context.Context, _ int, batch []result.Result) (int, error) {
			return 2, &sink.Error{Kind: sink.Gone, Err: errors.New("410 Gone")}
		}}
		r := run(t, p, time.Minute)
		r.add(5)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if len(p.tries) != 1 || !slices.Equal(p.took, r.want[:2]) || r.queue.Len() != 3 {
			t.Errorf("%d tries, took %v", len(p.tries), p.took)
		}
		if r.logs.FilterMessageSnippet("closed for good").FilterLevelExact(2).Len() != 1 {
			t.Errorf("the log has %v", r.logs.All())
		}
		start := time.Now()
		if err := r.end(); err != nil || !p.closed || time.Since(start) > 0 {
			t.Errorf("ended after %v with %v; closed %v", time.Since(start), err, p.closed)
		}
	})
}

// A template that does not fit the answers of one watch must not keep those of the others waiting.
func TestResultsThatAreWrongByThemselvesHoldUpTheOthersForASecondEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: func(_ context.Context, _ int, batch []result.Result) (int, error) {
			if n, _ := strconv.Atoi(batch[0].ID); n < 100 {
				return 0, &sink.Error{Kind: sink.Refused, Final: true, Err: errors.New("no such field")}
			}
			return len(batch), nil
		}}
		r := run(t, p, time.Second)
		r.add(110)
		time.Sleep(100 * time.Second)
		synctest.Wait()
		if len(r.queue.dead) != 100 || !slices.Equal(p.took, r.want[100:]) {
			t.Errorf("took %v, put %d aside", p.took, len(r.queue.dead))
		}
		_ = r.end()
	})
}

func TestMetricsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &place{answer: without("1", &sink.Error{Kind: sink.Refused, Final: true, Err: errors.New("no")})}
		r := run(t, p, time.Second)
		r.add(3)
		synctest.Wait()
		if err := testutil.GatherAndCompare(r.registry, strings.NewReader(`
# HELP overshoot_agent_sink_failures_total Deliveries that failed, by what that means.
# TYPE overshoot_agent_sink_failures_total counter
overshoot_agent_sink_failures_total{kind="again",sink="s"} 0
overshoot_agent_sink_failures_total{kind="gone",sink="s"} 0
overshoot_agent_sink_failures_total{kind="refused",sink="s"} 1
# HELP overshoot_agent_sink_sent_total Results the sink took.
# TYPE overshoot_agent_sink_sent_total counter
overshoot_agent_sink_sent_total{sink="s"} 2
`), "overshoot_agent_sink_failures_total", "overshoot_agent_sink_sent_total"); err != nil {
			t.Error(err)
		}
		_ = r.end()
	})
}

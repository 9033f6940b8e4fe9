package wake_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// machine is a machine that can sleep: its clock then moves on without the process.
type machine struct {
	start time.Time
	slept atomic.Int64 // nanoseconds
}

func (m *machine) clock() wake.Clock {
	return wake.Clock{Boot: "a", Uptime: func() time.Duration { return time.Since(m.start) + time.Duration(m.slept.Load()) }}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func wakeups(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("gathered %v, %v", families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestTheBellRingsAfterASleepOnly(t *testing.T) {
	for name, tc := range map[string]struct {
		sleep time.Duration
		rings bool
	}{"none": {0, false}, "a stall of load": {4 * time.Second, false}, "a minute": {time.Minute, true}, "a weekend": {60 * time.Hour, true}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, reg := &machine{start: time.Now()}, prometheus.NewRegistry()
				bell := wake.NewBell(m.clock(), zap.NewNop(), reg)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- bell.Run(ctx) }()
				woken := bell.Woken()

				time.Sleep(90 * time.Minute)
				synctest.Wait()
				if isClosed(woken) {
					t.Fatal("it rang while the machine was awake")
				}
				m.slept.Store(int64(tc.sleep))
				time.Sleep(time.Second)
				synctest.Wait()
				if isClosed(woken) != tc.rings {
					t.Errorf("after a sleep of %v it rang: %v, want %v", tc.sleep, isClosed(woken), tc.rings)
				}
				again := bell.Woken()
				time.Sleep(time.Hour)
				synctest.Wait()
				if isClosed(again) {
					t.Error("one sleep rang the bell twice")
				}
				want := map[bool]float64{true: 1}[tc.rings]
				if got := wakeups(t, reg); got != want {
					t.Errorf("counted %v wake-ups, want %v", got, want)
				}
				cancel()
				if err := <-ended; err != nil {
					t.Errorf("Run returned %v", err)
				}
			})
		})
	}
}

func TestTheClockOfThisMachineMovesOn(t *testing.T) {
	clock := wake.SystemClock()
	before := clock.Uptime()
	time.Sleep(2 * time.Millisecond)
	if after := clock.Uptime(); before <= 0 || after-before < 2*time.Millisecond {
		t.Errorf("read %v, and 2 ms later %v", before, after)
	}
	if again := wake.SystemClock(); again.Boot != clock.Boot {
		t.Errorf("one boot has two names, %q and %q", clock.Boot, again.Boot)
	}
}

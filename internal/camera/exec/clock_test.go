package exec

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Whatever comes: the clock goes forward, and never leaves the arrivals behind.
func TestTheClockGoesForwardAndStaysNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newClock(rapid.SampledFrom([]float64{0, 1, 15, 30, 240}).Draw(t, "fps"))
		arrived, last := int64(rapid.IntRange(0, 1<<30).Draw(t, "start")), int64(-1)
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]int64{0, 0, 1, 90, 3000, 3600, 9000, 90_000, 9_000_000}), 1, 300).Draw(t, "steps") {
			arrived += step
			now := c.next(arrived)
			if now <= last {
				t.Fatalf("%d after %d", now, last)
			}
			last = now
		}
	})
}

func TestTheClockEvensOut(t *testing.T) {
	for _, fps := range []float64{1, 5, 15, 29.97, 60} {
		random := rand.New(rand.NewPCG(1, 2))
		period := hertz / fps
		jitter := 0.4 * period
		c := newClock(0)
		worst := 0.0
		var now, before int64
		const pictures = 2000
		for i := range pictures {
			arrived := float64(i)*period + random.Float64()*jitter
			if i%100 == 99 {
				arrived += 2 * period // held up, and two others behind it
			}
			before, now = now, c.next(int64(arrived))
			if i > 200 {
				worst = max(worst, math.Abs(float64(now-before)-period))
			}
		}
		if worst > 0.4*period {
			t.Errorf("%v pictures per second: a step is wrong by %.0f of %.0f ticks", fps, worst, period)
		}
		if off := math.Abs(float64(now) - pictures*period); off > 3*period {
			t.Errorf("%v pictures per second: it is off by %.0f ticks in the end", fps, off)
		}
	}
}

func TestTheClockKnowsAPause(t *testing.T) {
	c := newClock(30)
	for i := range int64(100) {
		c.next(i * 3000)
	}
	if now := c.next(100*3000 + 900_000); now != 100*3000+900_000 {
		t.Errorf("after a pause it shows %d", now)
	}
}

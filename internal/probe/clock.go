package probe

import (
	"math"
	"slices"
	"time"
)

const ticksPerSecond = 90_000

// A Clock is what the timestamps of pictures are like.
type Clock struct {
	Frozen int     `json:"frozen"` // pictures with the timestamp of the one before
	Back   int     `json:"back"`   // steps back, except those that B-frames make
	Jumps  int     `json:"jumps"`  // steps forward that are a second longer than the time that passed
	Rate   float64 `json:"rate"`   // seconds that it counts in one; 0 when too little was seen
}

// right tells whether times may be taken from it.
func (c Clock) right() bool {
	return c.Frozen == 0 && c.Back == 0 && c.Jumps == 0 && (c.Rate == 0 || math.Abs(c.Rate-1) < 0.1)
}

// readClock reads the timestamps of pictures. times says when each was taken, counted from the first, by the camera's clock where it can
// be right, else by arrival.
func readClock(pictures []picture, reordered bool) (c Clock, times []time.Duration) {
	times = make([]time.Duration, len(pictures))
	good := make([]bool, len(pictures)) // the step to this picture may be right
	for i := 1; i < len(pictures); i++ {
		step := time.Duration(int32(pictures[i].timestamp-pictures[i-1].timestamp)) * time.Second / ticksPerSecond
		passed := pictures[i].began.Sub(pictures[i-1].began)
		good[i] = c.judge(step, passed, reordered)
		if !good[i] {
			step = passed
		}
		times[i] = times[i-1] + step
	}
	c.Rate = rate(pictures, times, good)
	if c.Rate != 0 && math.Abs(c.Rate-1) >= 0.1 {
		for i := range pictures {
			times[i] = pictures[i].began.Sub(pictures[0].began)
		}
	}
	return c, times
}

// judge counts a step that cannot be right.
func (c *Clock) judge(step, passed time.Duration, reordered bool) bool {
	switch {
	case step == 0:
		c.Frozen++
	case step < 0 && reordered && step > -2*time.Second:
		return true
	case step < 0:
		c.Back++
	case step > passed+time.Second:
		c.Jumps++
	default:
		return true
	}
	return false
}

// rate compares the clock with ours. The first third does not count: some cameras begin with what they have kept, as fast as they can.
func rate(pictures []picture, times []time.Duration, good []bool) float64 {
	var said, passed time.Duration
	for i := len(pictures)/3 + 1; i < len(pictures); i++ {
		if good[i] {
			said += times[i] - times[i-1]
			passed += pictures[i].began.Sub(pictures[i-1].began)
		}
	}
	if passed < 2*time.Second {
		return 0
	}
	return math.Round(100*said.Seconds()/passed.Seconds()) / 100
}

// A Jitter tells how far from their times by the camera's clock pictures arrive.
type Jitter struct {
	P50   Millis `json:"p50_ms"`
	P99   Millis `json:"p99_ms"`
	Pause Millis `json:"longest_pause_ms"` // without the beginning of a picture
}

func readJitter(pictures []picture, times []time.Duration) (j Jitter) {
	if len(pictures) == 0 {
		return j
	}
	late := make([]time.Duration, len(pictures))
	for i, p := range pictures {
		late[i] = p.began.Sub(pictures[0].began) - times[i]
		if i > 0 {
			j.Pause = max(j.Pause, Millis(p.began.Sub(pictures[i-1].began)))
		}
	}
	middle := quantile(late, 0.5)
	for i := range late {
		late[i] = (late[i] - middle).Abs()
	}
	j.P50, j.P99 = Millis(quantile(late, 0.5)), Millis(quantile(late, 0.99))
	return j
}

// quantile returns the value that a share q of all do not exceed; 0 for none.
func quantile(all []time.Duration, q float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}

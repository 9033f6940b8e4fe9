package main

import (
	"fmt"
	"slices"
	"time"
)

// durations are how long the same thing took each time.
type durations []time.Duration

// spread is how they are distributed.
type spread struct {
	n                    int
	median, p99, longest time.Duration
}

func (d durations) spread() spread {
	if len(d) == 0 {
		return spread{}
	}
	sorted := slices.Sorted(slices.Values(d))
	at := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] }
	return spread{len(d), at(50), at(99), at(100)}
}

func (s spread) String() string {
	if s.n == 0 {
		return "not measured"
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	return fmt.Sprintf("%.2f %.2f %.1f", ms(s.median), ms(s.p99), ms(s.longest))
}

package integration

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// durations are how long the same thing took each time.
type durations []time.Duration

// percentile returns the duration that so many of a hundred did not exceed.
func (d durations) percentile(percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(d))
	return sorted[(len(sorted)*percent+99)/100-1]
}

func (d durations) String() string {
	if len(d) == 0 {
		return "none"
	}
	show := func(percent int) time.Duration { return d.percentile(percent).Round(10 * time.Millisecond) }
	return fmt.Sprintf("n %d, median %v, p95 %v, longest %v", len(d), show(50), show(95), show(100))
}

// report prints a figure against what was promised. The test fails only far above it: on a machine that is busy with other tests a
// duration proves little.
func (d durations) report(t *testing.T, what string, promised time.Duration) {
	t.Helper()
	t.Logf("%s: %v (promised: %v)", what, d, promised)
	if len(d) == 0 || d.percentile(95) > 5*promised {
		t.Errorf("%s: %v is far from %v", what, d, promised)
	}
}

const (
	gap    = 300 * time.Millisecond // without a picture, of thirty in a second, is an interruption
	steady = 2 * time.Second        // without an interruption is steady
)

// A comeback is how long it took until a stream had a publisher, where it had lost it, and pictures without interruption.
type comeback struct{ publisher, pictures time.Duration }

// steadyAfter blocks until pictures arrive steadily at these streams, and returns for each how long after since that began.
func (s *simulator) steadyAfter(since time.Time, ids ...string) map[string]comeback {
	s.t.Helper()
	runs := map[string]*run{}
	for _, id := range ids {
		runs[id] = &run{frames: -1}
	}
	eventually(s.t, fmt.Sprintf("pictures arrive at %d streams", len(ids)), func() bool {
		active, now := s.activeByID(), time.Now()
		all := true
		for id, r := range runs {
			stream, ok := active[id]
			if !ok {
				s.t.Fatalf("stream %s has ended", id)
			}
			r.look(stream, now)
			all = all && r.steady(now)
		}
		return all
	})
	took := map[string]comeback{}
	for id, r := range runs {
		took[id] = comeback{r.entered.Sub(since), r.begin.Sub(since)}
	}
	return took
}

// A run is a time of pictures without interruption.
type run struct {
	frames      int
	publisher   bool
	entered     time.Time // when the newest publisher came
	begin, last time.Time
}

// look is told how a stream is now.
func (r *run) look(stream streamState, now time.Time) {
	if r.frames >= 0 && stream.Frames > r.frames {
		if now.Sub(r.last) > gap {
			r.begin = now
		}
		r.last = now
	}
	if stream.Publisher && !r.publisher {
		r.entered = now
	}
	r.frames, r.publisher = stream.Frames, stream.Publisher
}

func (r *run) steady(now time.Time) bool {
	return !r.begin.IsZero() && now.Sub(r.begin) >= steady && now.Sub(r.last) <= gap
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	var d durations
	for i := range 20 {
		d = append(d, time.Duration(20-i)*time.Second)
	}
	for percent, want := range map[int]time.Duration{50: 10 * time.Second, 95: 19 * time.Second, 100: 20 * time.Second} {
		if got := d.percentile(percent); got != want {
			t.Errorf("%d %%: %v, want %v", percent, got, want)
		}
	}
}

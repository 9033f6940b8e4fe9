package integration

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// A picture is one that arrived at the service.
type picture struct {
	Index   int64
	At      time.Time
	Counter int // -1: illegible
	Key     bool
	Width   int
}

// pictures returns what a stream has of the pictures that arrived after number since; -1 means all.
func (s *simulator) pictures(stream string, since int64) (all []picture) {
	s.t.Helper()
	query := ""
	if since >= 0 {
		query = fmt.Sprintf("?since=%d", since)
	}
	s.ask(http.MethodGet, "/streams/"+stream+"/pictures"+query, "", &all)
	return all
}

// newest returns the newest picture of a stream that has some.
func (s *simulator) newest(stream string) picture {
	s.t.Helper()
	var all []picture
	eventually(s.t, "pictures arrive at "+stream, func() bool {
		all = s.pictures(stream, -1)
		return len(all) > 0
	})
	return all[len(all)-1]
}

// A flow is how pictures followed each other.
type flow struct {
	arrived, lost, illegible int
	longest                  time.Duration // without a new picture
	gaps                     durations     // all that were interruptions
}

// flowOf compares the counters of neighbouring pictures. Those that were sent once more are left out.
func flowOf(pictures []picture) (f flow) {
	const period = 600
	var last *picture
	for i, p := range pictures {
		if p.Counter < 0 {
			f.illegible++
			continue
		}
		if last != nil {
			step := (p.Counter - last.Counter + period) % period
			if step == 0 || step > period/2 {
				continue
			}
			f.lost += step - 1
			pause := p.At.Sub(last.At)
			f.longest = max(f.longest, pause)
			if pause > gap {
				f.gaps = append(f.gaps, pause)
			}
		}
		f.arrived++
		last = &pictures[i]
	}
	return f
}

func (f flow) String() string {
	return fmt.Sprintf("lost %d of %d pictures, longest gap %v, gaps over %v: %v", f.lost, f.arrived+f.lost,
		f.longest.Round(10*time.Millisecond), gap, f.gaps)
}

func TestFlows(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var pictures []picture
	for i, counter := range []int{598, 599, 0, 598, 599, 0, 1, -1, 3, 6, 7} { // a replay of three, an illegible one, two lost and the illegible one
		at := start.Add(time.Duration(i) * time.Second / 10)
		if counter >= 6 && counter < 10 {
			at = at.Add(time.Second)
		}
		pictures = append(pictures, picture{At: at, Counter: counter})
	}
	f := flowOf(pictures)
	if f.arrived != 7 || f.lost != 3 || f.illegible != 1 || len(f.gaps) != 2 || f.longest != 1100*time.Millisecond {
		t.Errorf("%+v", f)
	}
}

package slot_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A step is one thing that happens to a world, some time after the last.
type step struct {
	after    time.Duration
	what     int
	who      int
	slots    []int
	priority int
	leaves   time.Duration
	dwell    time.Duration
	abandons time.Duration
}

func drawStep(t *rapid.T) step {
	seconds := func(longest int, name string) time.Duration {
		return time.Duration(rapid.IntRange(0, longest).Draw(t, name)) * time.Second
	}
	return step{
		after: seconds(40, "after"), what: rapid.IntRange(0, 7).Draw(t, "what"), who: rapid.IntRange(0, 9).Draw(t, "who"),
		slots:    rapid.SliceOfN(rapid.IntRange(-1, 3), 1, 3).Draw(t, "slots"),
		priority: rapid.IntRange(0, 2).Draw(t, "priority"),
		leaves:   seconds(5, "leaves"),
		dwell:    rapid.SampledFrom([]time.Duration{0, 20 * time.Second}).Draw(t, "dwell"),
		abandons: seconds(30, "abandons") * time.Duration(rapid.IntRange(0, 1).Draw(t, "whether it abandons")),
	}
}

// do lets the step happen.
func (w *world) do(s step) {
	time.Sleep(s.after)
	name, key := fmt.Sprint("camera-", s.who), fmt.Sprint("key-", s.who%3)
	switch {
	case s.what < 3 && w.cameras[name] == nil:
		w.add(&camera{name: name, priority: s.priority, leaves: s.leaves, abandons: s.abandons})
	case s.what == 3 && w.cameras[name] != nil:
		w.remove(name)
	case s.what == 4:
		w.configure(s.dwell, s.slots...)
	case s.what == 5:
		w.locked(func() { w.broken[key] = refusal([]int{401, 402, 403, 429}[s.priority], s.leaves) })
	case s.what == 6:
		w.locked(func() { w.broken = map[string]error{} })
		time.Sleep(time.Hour) // for all probes
	}
}

func TestNoKeyEverHasTooManyStreamsAndNoSlotIsLeftEmpty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 3).Draw(rt, "slots")
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 30).Draw(rt, "steps")
		if err := inBubble(t, func() error {
			w := newWorld(20*time.Second, slots...)
			defer w.end()
			for i, s := range steps {
				w.do(s)
				if err := w.check(); err != nil {
					return fmt.Errorf("after step %d, %+v: %w", i, s, err)
				}
			}
			return w.allComesBack()
		}); err != nil {
			rt.Fatal(err)
		}
	})
}

// allComesBack stops all cameras and tells whether as many as there are slots can stream then.
func (w *world) allComesBack() error {
	for name := range maps.Clone(w.cameras) { // only this goroutine changes the map
		w.remove(name)
	}
	w.locked(func() { w.broken = map[string]error{} })
	w.configure(0, 3, 2)
	for i := range 6 {
		w.add(&camera{name: fmt.Sprint("last-", i)})
	}
	time.Sleep(2 * time.Hour) // for all blocks and probes
	if got := len(w.streaming()); got != 5 {
		return fmt.Errorf("in the end %d cameras stream on 5 slots", got)
	}
	return w.check()
}

// Of n cameras of equal priority on s slots none waits for longer than n/s × dwell + dwell, although each takes some time to leave. And
// each has its turn in full, and streams for its share of the time.
func TestEveryCameraHasItsTurn(t *testing.T) {
	const dwell = time.Minute
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3).Draw(rt, "slots")
		total := 0
		for _, n := range slots {
			total += n
		}
		cameras := rapid.IntRange(total+1, 4*total).Draw(rt, "cameras")
		bound := time.Duration(cameras)*dwell/time.Duration(total) + dwell
		slowest := int(dwell/time.Millisecond) * total / cameras
		var leaves, arrives []time.Duration
		for range cameras {
			leaves = append(leaves, time.Duration(rapid.IntRange(0, slowest).Draw(rt, "leaves in ms"))*time.Millisecond)
			arrives = append(arrives, time.Duration(rapid.IntRange(0, 3000).Draw(rt, "arrives after ms"))*time.Millisecond)
		}
		if err := inBubble(t, func() error {
			w := newWorld(dwell, slots...)
			defer w.end()
			for i := range cameras {
				time.Sleep(arrives[i])
				w.add(&camera{name: fmt.Sprintf("camera-%02d", i), leaves: leaves[i]})
			}
			const rounds = 20
			time.Sleep(rounds * bound)
			if err := w.check(); err != nil {
				return err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			for _, c := range w.cameras {
				if now := time.Since(c.since); c.slot == nil {
					c.longestWait = max(c.longestWait, now)
				} else {
					c.streamed += now
				}
				if c.longestWait > bound {
					return fmt.Errorf("%d cameras on %d slots: %s waited for %v, the bound is %v", cameras, total, c.name, c.longestWait, bound)
				}
				share := rounds * bound * time.Duration(total) / time.Duration(cameras)
				if c.streamed < time.Duration(c.turns-1)*dwell || c.streamed < share/2 {
					return fmt.Errorf("%s streamed for %v in %d turns; its share is %v", c.name, c.streamed, c.turns, share)
				}
			}
			return nil
		}); err != nil {
			rt.Fatal(err)
		}
	})
}

// With one camera too many, one moves at a time: the others go on as if nothing were.
func TestANewcomerMovesOneCameraAtATime(t *testing.T) {
	if err := inBubble(t, func() error {
		w := newWorld(time.Minute, 5)
		defer w.end()
		for i := range 5 {
			w.add(&camera{name: fmt.Sprint("camera-", i)})
			time.Sleep(time.Second)
		}
		time.Sleep(time.Hour)
		w.add(&camera{name: "newcomer"})
		time.Sleep(59 * time.Second)
		before := w.streaming()
		for i := range 6 {
			if time.Sleep(time.Minute); w.created("key-0") != 6+i {
				return fmt.Errorf("after %d minutes: %d streams were made, want %d", i+1, w.created("key-0"), 6+i)
			}
		}
		if slices.Contains(before, "newcomer") || w.see("newcomer").longestWait != time.Minute {
			return fmt.Errorf("the newcomer waited for %v, want its dwell", w.see("newcomer").longestWait)
		}
		return w.check()
	}); err != nil {
		t.Fatal(err)
	}
}

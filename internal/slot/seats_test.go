package slot_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/slot"
)

// take acquires a slot that is there at once.
func (w *world) take(t *testing.T, c slot.Claim) *slot.Slot {
	t.Helper()
	before := time.Now()
	s, err := w.pool.Acquire(t.Context(), c)
	if err != nil || time.Since(before) > 0 {
		t.Fatalf("%s: error %v after %v, want a slot at once", c.Camera, err, time.Since(before))
	}
	return s
}

// within runs f with a world in a bubble.
func within(t *testing.T, dwell time.Duration, slots []int, f func(*testing.T, *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(dwell, slots...)
		defer w.end()
		f(t, w)
		if err := w.check(); err != nil {
			t.Error(err)
		}
	})
}

func reasonOf(s *slot.Slot) error {
	synctest.Wait()
	select {
	case <-s.Recalled():
		return s.Reason()
	default:
		return nil
	}
}

func TestASlotServedToOneWhoJustLeftIsNotLost(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		for range 200 {
			held := w.take(t, slot.Claim{Camera: "a"})
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if s, err := w.pool.Acquire(ctx, slot.Claim{Camera: "b"}); err == nil {
					s.Release()
				}
			}()
			synctest.Wait()
			cancel()
			held.Release() // meets the other on its way out; were the slot lost, the next Acquire would take for ever
		}
	})
}

func TestAnAbandonedStreamTakesItsSlotUntilItHasEnded(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		first := w.take(t, slot.Claim{Camera: "a"})
		first.ReleaseAfter(5 * time.Minute)
		first.Release() // has no effect any more
		start := time.Now()
		if _, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "a"}); err != nil || time.Since(start) != 5*time.Minute {
			t.Errorf("the slot came back after %v, want 5m; error %v", time.Since(start), err)
		}
	})
}

func TestABlockEndsByItselfOrWhenItIsFreed(t *testing.T) {
	within(t, 0, []int{2}, func(t *testing.T, w *world) {
		free := w.pool.Block("key-0", time.Hour)
		w.pool.Block("key-0", time.Minute)
		w.pool.Block("no such key", time.Hour)()
		for _, name := range []string{"a", "b"} {
			w.add(&camera{name: name})
		}
		time.Sleep(time.Minute - 1)
		if got := len(w.streaming()); got != 0 {
			t.Fatalf("%d stream on a blocked key", got)
		}
		time.Sleep(time.Nanosecond)
		if got := len(w.streaming()); got != 1 {
			t.Fatalf("%d stream after the first block, want 1", got)
		}
		free()
		free()
		if got := len(w.streaming()); got != 2 {
			t.Fatalf("%d stream without blocks, want 2", got)
		}
	})
}

func TestASeatBecomesTheBlockOfItsStream(t *testing.T) {
	within(t, 0, []int{2}, func(t *testing.T, w *world) {
		a, b := w.take(t, slot.Claim{Camera: "a", Priority: 1}), w.take(t, slot.Claim{Camera: "b"})
		w.add(&camera{name: "c"})
		free := w.pool.Abandon("a", "key-0", time.Hour)
		a.Release() // has no effect any more
		if got := w.streaming(); len(got) != 0 || reasonOf(b) != nil {
			t.Errorf("%v stream, b was recalled by %v", got, reasonOf(b))
		}
		free()
		if got := w.streaming(); len(got) != 1 || reasonOf(b) != nil {
			t.Errorf("%v stream, b was recalled by %v", got, reasonOf(b))
		}
	})
}

func TestACameraThatHasASeatGetsItAgain(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		old := w.take(t, slot.Claim{Camera: "a"})
		low := w.take(t, slot.Claim{Camera: "a", Priority: 3}) // its unit was replaced
		old.Release()
		old.Dark(true)
		w.add(&camera{name: "b", priority: 3})
		time.Sleep(time.Hour)
		if err := reasonOf(low); err != nil {
			t.Fatalf("recalled through the old slot, or with the old priority: %v", err)
		}
		w.take(t, slot.Claim{Camera: "a", Priority: 2})
		if err := reasonOf(low); err != slot.CausePriority {
			t.Fatalf("recalled by %v, want %v", err, slot.CausePriority)
		}
		late := w.take(t, slot.Claim{Camera: "a", Priority: 2}) // it died before it noticed
		if err := reasonOf(late); err != slot.CausePriority {
			t.Fatalf("recalled by %v, want %v", err, slot.CausePriority)
		}
		late.Release()
		if got := w.streaming(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%v stream, want b", got)
		}
	})
}

func TestTheLaterOfTwoAcquiresWins(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		held := w.take(t, slot.Claim{Camera: "a"})
		results := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "b"})
				results <- err
			}()
			synctest.Wait()
		}
		if err := <-results; err == nil {
			t.Error("the earlier one got a slot")
		}
		held.Release()
		if err := <-results; err != nil {
			t.Errorf("the later one got %v", err)
		}
	})
}

func TestTheLaterOfTwoAcquiresKeepsThePlace(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		held := w.take(t, slot.Claim{Camera: "a"})
		w.add(&camera{name: "b"})
		time.Sleep(time.Second)
		w.add(&camera{name: "c"})
		time.Sleep(time.Second)
		got := make(chan *slot.Slot, 1)
		go func() {
			s, _ := w.pool.Acquire(t.Context(), slot.Claim{Camera: "b"})
			got <- s
		}()
		synctest.Wait()
		w.locked(func() { delete(w.cameras, "b") }) // it has ended with an error
		held.Release()
		synctest.Wait()
		select {
		case s := <-got:
			s.Release()
		default:
			t.Error("b has lost its place to c")
		}
	})
}

func TestKeysAreUsedEvenly(t *testing.T) {
	within(t, 0, []int{2, 4, 3}, func(t *testing.T, w *world) {
		for i := range 6 {
			w.add(&camera{name: string(rune('a' + i))})
			synctest.Wait()
		}
		if w.on("key-0") != 1 || w.on("key-1") != 3 || w.on("key-2") != 2 {
			t.Error("not one slot of each key is left")
		}
	})
}

func TestAcquireReturnsTheErrorOfItsContext(t *testing.T) {
	within(t, 0, nil, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := w.pool.Acquire(ctx, slot.Claim{Camera: "a"}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestStreamsOfTheLastRunKeepTheirSeats(t *testing.T) {
	within(t, time.Minute, []int{2}, func(t *testing.T, w *world) {
		for camera, priority := range map[string]int{"a": 0, "b": 1, "c": 2} {
			if !w.pool.Reserve(camera, priority, "key-0") {
				t.Fatalf("%s has no seat", camera)
			}
		}
		if w.pool.Reserve("a", 0, "key-0") || w.pool.Reserve("d", 0, "no such key") {
			t.Error("a second seat, or one at a key that does not exist")
		}
		b, c := w.take(t, slot.Claim{Camera: "b", Priority: 1}), w.take(t, slot.Claim{Camera: "c", Priority: 2})
		if reasonOf(b) != nil || reasonOf(c) != nil {
			t.Error("recalled although a has a lower priority")
		}
		w.add(&camera{name: "d"})
		a := w.take(t, slot.Claim{Camera: "a"})
		if err := reasonOf(a); err != slot.CauseKey {
			t.Errorf("a was recalled by %v, want %v", err, slot.CauseKey)
		}
		a.Release()
		b.Release()
		if got := w.streaming(); !slices.Equal(got, []string{"d"}) {
			t.Errorf("%v stream, want d", got)
		}
	})
}

func TestASeatThatNobodyClaimsGivesWay(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		w.pool.Reserve("a", 9, "key-0")
		w.add(&camera{name: "b"})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		a := w.take(t, slot.Claim{Camera: "a", Priority: 9})
		if err := reasonOf(a); err != slot.CauseDark {
			t.Errorf("recalled by %v, want %v", err, slot.CauseDark)
		}
		w.pool.Forget("a")
		if got := w.streaming(); !slices.Equal(got, []string{"b"}) {
			t.Errorf("%v stream, want b", got)
		}
		a.Release() // has no effect any more
	})
}

func TestADarkCameraGivesWayAfterTenSeconds(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		a := w.take(t, slot.Claim{Camera: "a", Priority: 9})
		w.add(&camera{name: "b"})
		for range 3 { // a lost connection now and then costs nothing
			a.Dark(true)
			time.Sleep(9 * time.Second)
			a.Dark(false)
		}
		a.Dark(true)
		time.Sleep(5 * time.Second)
		a.Dark(true) // is no news
		time.Sleep(5*time.Second - 1)
		if err := reasonOf(a); err != nil {
			t.Fatalf("recalled early: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := reasonOf(a); err != slot.CauseDark {
			t.Fatalf("recalled by %v, want %v", err, slot.CauseDark)
		}
		a.Release()
	})
}

func TestASeatThatIsTakenOverIsNotDark(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		w.take(t, slot.Claim{Camera: "a"}).Dark(true)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a, err := w.pool.Acquire(ctx, slot.Claim{Camera: "a"}) // even so: it is there at once
		if err != nil {
			t.Fatal(err)
		}
		w.add(&camera{name: "b"})
		time.Sleep(time.Hour)
		if err := reasonOf(a); err != nil {
			t.Errorf("recalled: %v", err)
		}
		a.Release()
	})
}

func TestCamerasOfARemovedKeyMoveToAnother(t *testing.T) {
	within(t, 0, []int{2, 0}, func(t *testing.T, w *world) {
		w.add(&camera{name: "a", leaves: time.Second})
		w.add(&camera{name: "b", leaves: time.Second})
		w.configure(0, -1, 2)
		time.Sleep(time.Second)
		if got := w.streaming(); len(got) != 2 || w.on("key-1") != 2 {
			t.Errorf("%v stream, %d of them on key-1, want both", got, w.on("key-1"))
		}
		w.configure(0, 2, 2) // the name is free again
		w.add(&camera{name: "c"})
		if got := w.streaming(); len(got) != 3 || w.on("key-0") != 1 {
			t.Errorf("%v stream, %d of them on key-0, want three and one", got, w.on("key-0"))
		}
	})
}

func TestAHigherPriorityRecallsTheYoungestOfTheLowest(t *testing.T) {
	within(t, 0, []int{3}, func(t *testing.T, w *world) {
		for _, c := range []camera{{name: "high", priority: 1}, {name: "old"}, {name: "young", leaves: time.Minute}} {
			w.add(&c)
			time.Sleep(time.Second)
		}
		w.add(&camera{name: "first", priority: 1})
		if got := w.streaming(); w.see("first").slot != nil || !w.see("young").leaving {
			t.Errorf("%v stream; young has to leave, first has to wait for that", got)
		}
		time.Sleep(time.Minute)
		if got := w.streaming(); !slices.Equal(got, []string{"first", "high", "old"}) {
			t.Errorf("%v stream", got)
		}
	})
}

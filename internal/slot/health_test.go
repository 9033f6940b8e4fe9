package slot_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// breakKey makes the service refuse creates on a key, nil makes it take them.
func (w *world) breakKey(key string, err error) {
	w.locked(func() {
		if w.broken[key] = err; err == nil {
			delete(w.broken, key)
		}
	})
}

func (w *world) key(name string) status.View {
	for _, u := range w.board.Units() {
		if u.Name == "key "+name {
			return u.Parts["key"]
		}
	}
	return status.View{}
}

// keyText replaces the only key by one that can tell its text.
func (w *world) keyText(slots int) *atomic.Value {
	var text atomic.Value
	text.Store("first")
	w.pool.Configure([]slot.Key{{Name: "key-0", Slots: slots, Fingerprint: func() string { return text.Load().(string) }}}, 0)
	return &text
}

func TestAKeyInTroubleIsProbedSlowly(t *testing.T) {
	for _, c := range []struct {
		code            int
		state           string
		first, longest  time.Duration // between probes, each spread by half
		inThreeHours    int           // creates at least
		notMoreThanThat int
	}{
		{401, "refused", time.Minute, 15 * time.Minute, 9, 30},
		{403, "refused", time.Minute, 15 * time.Minute, 9, 30},
		{402, "no_credit", 5 * time.Minute, 30 * time.Minute, 6, 18},
		{429, "full", 15 * time.Second, 5 * time.Minute, 25, 90},
	} {
		within(t, 0, []int{5}, func(t *testing.T, w *world) {
			w.breakKey("key-0", refusal(c.code, 0))
			for _, name := range []string{"a", "b", "c"} {
				w.add(&camera{name: name})
				synctest.Wait()
			}
			if got := w.created("key-0"); got != 1 {
				t.Fatalf("%d: %d creates at once, want 1", c.code, got)
			}
			time.Sleep(c.first/2 - 1)
			if got := w.created("key-0"); got != 1 {
				t.Errorf("%d: %d creates within the first pause, want 1", c.code, got)
			}
			if v := w.key("key-0"); v.State != c.state || !strings.Contains(v.Error, "create") {
				t.Errorf("%d: the board shows %+v", c.code, v)
			}
			time.Sleep(3 * time.Hour)
			if got := w.created("key-0"); got < c.inThreeHours || got > c.notMoreThanThat {
				t.Errorf("%d: %d creates in three hours, want %d to %d", c.code, got, c.inThreeHours, c.notMoreThanThat)
			}
			w.breakKey("key-0", nil)
			time.Sleep(c.longest * 3 / 2)
			if got := w.streaming(); len(got) != 3 {
				t.Errorf("%d: %v stream after it is well again", c.code, got)
			}
			if v := w.key("key-0"); v.State != "ok" || v.Error != "" {
				t.Errorf("%d: the board shows %+v", c.code, v)
			}
		})
	}
}

func TestRefusalsThatWereUnderWayTogetherCountOnce(t *testing.T) {
	within(t, 0, []int{5}, func(t *testing.T, w *world) {
		var held []*slot.Slot
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			held = append(held, w.take(t, slot.Claim{Camera: name}))
		}
		for _, s := range held {
			w.pool.Refused("key-0", refusal(401, 0))
			s.Release()
		}
		start := time.Now()
		if _, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "f"}); err != nil || time.Since(start) > 90*time.Second {
			t.Errorf("the first probe came after %v, want 90s at most; error %v", time.Since(start), err)
		}
	})
}

func TestAProbeWithoutAVerdictIsRepeated(t *testing.T) {
	within(t, 0, []int{5}, func(t *testing.T, w *world) {
		w.take(t, slot.Claim{Camera: "a"}).Release()
		w.pool.Refused("key-0", refusal(401, 0))
		for range 3 {
			start := time.Now()
			s, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "a"})
			if wait := time.Since(start); err != nil || wait < 30*time.Second || wait > 90*time.Second {
				t.Errorf("the probe came after %v, want 30s to 90s; error %v", wait, err)
			}
			s.Release() // the network was down
		}
	})
}

func TestErrorsThatAreNotAboutTheKeyDoNotCloseIt(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		for _, code := range []int{400, 404, 409, 422, 500, 503} {
			w.pool.Refused("key-0", refusal(code, 0))
		}
		w.pool.Refused("key-0", t.Context().Err())
		w.pool.Refused("no such key", refusal(401, 0))
		w.pool.Accepted("no such key")
		w.take(t, slot.Claim{Camera: "a"})
	})
}

func TestAnotherKeyTextIsTriedAtOnce(t *testing.T) {
	within(t, 0, []int{1}, func(t *testing.T, w *world) {
		text := w.keyText(1)
		w.breakKey("key-0", refusal(402, 0))
		w.add(&camera{name: "a"})
		time.Sleep(20 * time.Second)
		w.breakKey("key-0", nil)
		text.Store("") // is being written
		time.Sleep(20 * time.Second)
		text.Store("first") // is the same as before
		time.Sleep(20 * time.Second)
		if got := w.created("key-0"); got != 1 {
			t.Fatalf("%d creates, want 1", got)
		}
		text.Store("second")
		time.Sleep(5 * time.Second)
		if got := w.streaming(); len(got) != 1 {
			t.Errorf("the new key is not tried")
		}
	})
}

func TestACameraGoesToAKeyThatIsWell(t *testing.T) {
	within(t, 0, []int{3, 2}, func(t *testing.T, w *world) {
		w.breakKey("key-0", refusal(401, 0)) // the emptiest: tried first
		for _, name := range []string{"a", "b", "c"} {
			w.add(&camera{name: name})
			time.Sleep(2 * time.Second)
		}
		if got := w.on("key-1"); got != 2 || w.created("key-0") != 1 {
			t.Errorf("%d streams on the key that is well, %d creates on the other, want 2 and 1", got, w.created("key-0"))
		}
		if c := w.see("c"); c.rank != 1 || c.of != 1 {
			t.Errorf("c was told rank %d of %d", c.rank, c.of)
		}
	})
}

func TestStreamsOnAKeyInTroubleStay(t *testing.T) {
	within(t, time.Minute, []int{2}, func(t *testing.T, w *world) {
		w.add(&camera{name: "a"})
		w.add(&camera{name: "b"})
		synctest.Wait()
		w.breakKey("key-0", refusal(401, 0))
		w.pool.Refused("key-0", refusal(401, 0)) // an attempt of a to replace its stream, say
		w.add(&camera{name: "c", priority: 5})
		time.Sleep(time.Hour)
		if got := w.streaming(); strings.Join(got, " ") != "a b" {
			t.Errorf("%v stream, want a and b: nobody else could use their slots", got)
		}
	})
}

func TestAFullKeyIsWellWhenAProbeWorked(t *testing.T) {
	within(t, 0, []int{5}, func(t *testing.T, w *world) {
		for _, name := range []string{"a", "b", "c"} {
			w.add(&camera{name: name})
		}
		synctest.Wait()
		w.breakKey("key-0", refusal(429, 0))
		w.add(&camera{name: "d"})
		synctest.Wait()
		w.breakKey("key-0", nil)
		w.pool.Accepted("key-0") // one of the others replaced its stream: that tells nothing about a fourth
		if v := w.key("key-0"); v.State != "full" {
			t.Fatalf("the board shows %+v", v)
		}
		time.Sleep(23 * time.Second)
		if got := w.streaming(); len(got) != 4 || w.key("key-0").State != "ok" {
			t.Errorf("%v stream, the board shows %+v", got, w.key("key-0"))
		}
	})
}

func TestAFullKeyIsWellWhenNoMoreIsAskedOfIt(t *testing.T) {
	within(t, 0, []int{3}, func(t *testing.T, w *world) {
		for _, name := range []string{"a", "b"} {
			w.add(&camera{name: name})
		}
		synctest.Wait()
		w.breakKey("key-0", refusal(429, 0))
		w.add(&camera{name: "c"})
		synctest.Wait()
		if v := w.key("key-0"); v.State != "full" {
			t.Fatalf("the board shows %+v", v)
		}
		w.pool.Configure([]slot.Key{{Name: "key-0", Slots: 2}}, 0) // what the service allows
		synctest.Wait()
		if v := w.key("key-0"); v.State != "ok" || v.Error != "" {
			t.Errorf("asked for no more than there is, the key is %+v", v)
		}
		if got := w.streaming(); len(got) != 2 {
			t.Errorf("%v stream, want the two that did", got)
		}
	})
}

func TestCamerasTakeTurnsOnAFullKey(t *testing.T) {
	within(t, time.Minute, []int{5}, func(t *testing.T, w *world) {
		w.add(&camera{name: "a"})
		w.add(&camera{name: "b"})
		synctest.Wait()
		c := w.take(t, slot.Claim{Camera: "c"})
		w.pool.Refused("key-0", refusal(429, 5*time.Minute))
		c.Release()
		w.add(&camera{name: "c"})
		time.Sleep(5*time.Minute - 1)
		if got := w.created("key-0"); got != 2 {
			t.Fatalf("%d creates within Retry-After, want 2", got)
		}
		w.breakKey("key-0", refusal(429, 0)) // for the probe, which comes first
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		w.breakKey("key-0", nil)
		if got := w.created("key-0"); got != 3 {
			t.Fatalf("%d creates, want 3", got)
		}
		time.Sleep(5 * time.Second) // the pause until the next probe is 7.5 s at least
		if got := strings.Join(w.streaming(), " "); w.created("key-0") != 4 || got == "a b" || len(got) != 3 {
			t.Errorf("%d creates, %v stream, want 4, and c in place of another", w.created("key-0"), got)
		}
		if v := w.key("key-0"); v.State != "full" {
			t.Errorf("the board shows %+v", v)
		}
		w.locked(func() { w.limits["key-0"] = 2 }) // as we know now
	})
}

func TestAProbeUnderWayHoldsNobodyUp(t *testing.T) {
	within(t, 0, []int{5}, func(t *testing.T, w *world) {
		old := w.take(t, slot.Claim{Camera: "old"})
		time.Sleep(time.Second)
		young := w.take(t, slot.Claim{Camera: "young"})
		refused := w.take(t, slot.Claim{Camera: "refused", Priority: 5})
		w.pool.Refused("key-0", refusal(429, 0))
		refused.Release()
		if _, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "probes"}); err != nil {
			t.Fatal(err)
		}
		w.take(t, slot.Claim{Camera: "probes", Priority: 5})
		w.add(&camera{name: "waits", priority: 5})
		if reasonOf(old) != nil || reasonOf(young) != slot.CausePriority {
			t.Errorf("recalled are old (%v), young (%v), want young", reasonOf(old), reasonOf(young))
		}
		young.Release()
		if got := w.streaming(); len(got) != 1 {
			t.Error("the place that became free stays empty")
		}
	})
}

func TestRetryAfterIsObeyedWithinReason(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{3 * time.Second: 3 * time.Second, time.Hour: 5 * time.Minute} {
		within(t, 0, []int{1}, func(t *testing.T, w *world) {
			s := w.take(t, slot.Claim{Camera: "a"})
			w.pool.Refused("key-0", &overshoot.Error{Op: overshoot.OpCreate, Status: 429, RetryAfter: after})
			s.Release()
			start := time.Now()
			if _, err := w.pool.Acquire(t.Context(), slot.Claim{Camera: "a"}); err != nil || time.Since(start) != want {
				t.Errorf("Retry-After %v: tried after %v, want %v; error %v", after, time.Since(start), want, err)
			}
		})
	}
}

func TestACameraThatTriedAKeyInVainKeepsItsPlace(t *testing.T) {
	within(t, 0, []int{1, 1}, func(t *testing.T, w *world) {
		held := w.take(t, slot.Claim{Camera: "held"}) // on key-0
		w.breakKey("key-1", refusal(402, 0))
		w.add(&camera{name: "first"})
		synctest.Wait()
		w.add(&camera{name: "second"})
		time.Sleep(time.Minute)
		if first, second := w.see("first"), w.see("second"); first.rank != 1 || second.rank != 2 {
			t.Errorf("the first waits with rank %d, the second with %d", first.rank, second.rank)
		}
		held.Release()
		if got := strings.Join(w.streaming(), " "); got != "first" {
			t.Errorf("%v streams, want the first", got)
		}
	})
}

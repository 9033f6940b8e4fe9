package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/pipeline"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

var errUpgrade = errors.New("another takes over")

// run starts a life of a camera; end ends it with a cause and returns what Run returned.
func run(p *pipeline.Pipeline) (end func(cause error) error, ended <-chan error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	return func(cause error) error {
		cancel(cause)
		return <-done
	}, done
}

// await returns what Run returned, or fails the test: in a bubble that never ends time would pass for ever.
func await(t *testing.T, ended <-chan error) error {
	t.Helper()
	select {
	case err := <-ended:
		return err
	case <-time.After(time.Minute):
		t.Fatal("Run goes on")
		return nil
	}
}

func TestACameraStreamsAsksAndLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		var results atomic.Int32
		w.accept = func(result.Result) { results.Add(1) }
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(30 * time.Second)
		if got := w.lives(); got != "s1" {
			t.Errorf("the streams are %q", got)
		}
		if n := results.Load(); n < 25 || n > 30 {
			t.Errorf("%d results in 30 s", n)
		}
		if err := end(nil); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
		if w.lives() != "" || len(w.journal.Entries()) != 0 {
			t.Errorf("left behind: %q, journal %v", w.lives(), w.journal.Entries())
		}
	})
}

func TestAStreamOutlivesThePanicOfItsPublisher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		w.broken.Store(true)
		_, ended := run(w.pipeline("a", 0, errUpgrade))
		err := await(t, ended)
		if !guard.Panicked(err) || !strings.Contains(err.Error(), "the floor gave way") {
			t.Fatalf("Run returned %v, want the panic", err)
		}
		if w.lives() != "s1" {
			t.Fatalf("after the panic the streams are %q", w.lives())
		}
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(10 * time.Second)
		if got := w.log(); w.lives() != "s1" || got != "create main" {
			t.Errorf("the next life did not go on with it: %q after %s", w.lives(), got)
		}
		_ = end(nil)
	})
}

func TestAPanicWhileAnAnswerIsTakenKeepsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		w.accept = func(result.Result) { panic("no room for it") }
		_, ended := run(w.pipeline("a", 0, errUpgrade))
		if err := await(t, ended); !guard.Panicked(err) {
			t.Errorf("Run returned %v, want the panic", err)
		}
		if w.lives() != "s1" || w.log() != "create main" {
			t.Errorf("the streams are %q after %s", w.lives(), w.log())
		}
	})
}

func TestTheNextLifeOfAChangedCameraGoesOnWithTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(5 * time.Second)
		_ = end(errUpgrade)
		end, _ = run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(90 * time.Second) // longer than a lease
		if w.lives() != "s1" || w.log() != "create main" {
			t.Errorf("the streams are %q after %s", w.lives(), w.log())
		}
		_ = end(nil)
	})
}

func TestADarkCameraKeepsItsStreamForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(5 * time.Second)
		w.dark.Store(true)
		time.Sleep(29 * time.Second)
		if w.lives() != "s1" {
			t.Error("the stream went before its time")
		}
		time.Sleep(2 * time.Second)
		if w.lives() != "" || w.state("a").State != "idle" {
			t.Errorf("after the hold time: streams %q, status %+v", w.lives(), w.state("a"))
		}
		w.dark.Store(false)
		time.Sleep(2 * time.Second)
		if w.lives() != "s2" {
			t.Errorf("the camera is back, and the streams are %q", w.lives())
		}
		_ = end(nil)
	})
}

func TestTheMoreImportantCameraGetsTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		endLow, _ := run(w.pipeline("low", 0, errUpgrade))
		time.Sleep(5 * time.Second)
		endHigh, _ := run(w.pipeline("high", 1, errUpgrade))
		time.Sleep(5 * time.Second)
		if got := w.log(); got != "create main, delete s1, create main" {
			t.Errorf("the calls are %s", got)
		}
		low := w.state("low")
		if low.State != "waiting" || low.Detail["slot"] != "waiting for a slot (rank 1 of 1)" || w.state("high").State != "active" {
			t.Errorf("the status is low %+v, high %+v", low, w.state("high"))
		}
		_ = endHigh(nil)
		time.Sleep(time.Second)
		if low := w.state("low"); low.State != "active" || low.Detail["slot"] != "" || w.lives() != "s3" {
			t.Errorf("with the slot free again: %+v, streams %q", low, w.lives())
		}
		_ = endLow(nil)
	})
}

func TestAKeyWithoutCreditSendsTheCameraToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"first": 2, "second": 1})
		w.refuse["first"] = 402
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(10 * time.Second)
		if got := w.log(); got != "create first, create second" || w.state("a").Detail["key"] != "second" {
			t.Errorf("the calls are %s, the status %+v", got, w.state("a"))
		}
		_ = end(nil)
	})
}

func TestASlotWithoutAStreamIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		w.refuse["main"] = 500
		end, _ := run(w.pipeline("a", 1, errUpgrade))
		time.Sleep(300 * time.Millisecond) // it has the slot, and waits to try again
		_ = end(errUpgrade)
		w.refuse["main"] = 0
		w.dark.Store(true)
		endNext, _ := run(w.pipeline("a", 1, errUpgrade)) // sees nothing, and so wants nothing
		time.Sleep(time.Second)
		w.dark.Store(false)
		endOther, _ := run(w.pipeline("b", 0, errUpgrade))
		_ = endNext(nil)
		time.Sleep(10 * time.Minute)
		if got := w.state("b").State; got != "active" {
			t.Errorf("the other camera is %s", got)
		}
		_ = endOther(nil)
	})
}

func TestAStreamThatEndedBeforeItWasAdoptedIsNotReplacedInTheDark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, map[string]int{"main": 1})
		end, _ := run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(5 * time.Second)
		_ = end(errUpgrade)
		w.mu.Lock()
		w.streams = map[string]string{}
		w.mu.Unlock()
		w.dark.Store(true)
		end, _ = run(w.pipeline("a", 0, errUpgrade))
		time.Sleep(time.Minute)
		if got := w.log(); got != "create main" {
			t.Errorf("a camera without pictures made the calls %s", got)
		}
		w.dark.Store(false)
		time.Sleep(5 * time.Second)
		if w.lives() != "s2" {
			t.Errorf("with pictures the streams are %q", w.lives())
		}
		_ = end(nil)
	})
}

func TestACameraWhoseCreatesFailTriesAnotherKey(t *testing.T) {
	for _, code := range []int{500, 503} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, map[string]int{"first": 1, "second": 1})
			w.refuse["first"] = code
			end, _ := run(w.pipeline("a", 0, errUpgrade))
			time.Sleep(10 * time.Second)
			if got := w.state("a"); got.State != "active" || got.Detail["key"] != "second" {
				t.Errorf("%d: after %s the status is %+v", code, w.log(), got)
			}
			_ = end(nil)
		})
	}
}

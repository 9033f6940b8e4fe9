package hub

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// slow is an outlet that takes its time for each packet while pause is set.
type slow struct {
	recorder
	pause time.Duration
}

func (s *slow) write(p camera.Packet) {
	s.mu.Lock()
	pause := s.pause
	s.mu.Unlock()
	time.Sleep(pause)
	s.recorder.write(p)
}

func (s *slow) set(pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause = pause
}

func TestASlowOutletLosesWholePicturesUpToAKeyFrame(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop, f.keys, f.packets = 60, 20, 5
		r := &slow{}
		defer f.h.Attach(r.write)()
		f.shoot(10)
		r.set(150 * time.Millisecond)
		began := time.Now()
		f.shoot(600)
		if held := time.Since(began) - 600*f.interval; held > 200*time.Millisecond {
			t.Errorf("the source was held up for %v", held)
		}
		r.set(0)
		f.shoot(100)
		shots := f.seen(t, &r.recorder)
		missing := float64(f.next - len(shots))
		if got := testutil.ToFloat64(f.h.metrics.skipped); got != missing || missing < 300 {
			t.Errorf("counted %v of %v missing pictures", got, missing)
		}
		if got := numbers(shots); !slices.Equal(got[len(got)-50:], count(660, 709)) {
			t.Errorf("it does not come back: %v", got)
		}
	})
}

func TestWhatIsTooOldIsNotWritten(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop = 0
		r := &slow{}
		defer f.h.Attach(r.write)()
		f.shoot(10)
		r.set(time.Second / 100) // four times too slow
		f.shoot(300)
		before := len(f.seen(t, &r.recorder))
		r.set(0)
		f.shoot(100)
		if after := len(f.seen(t, &r.recorder)); after != before || before > 100 {
			t.Errorf("%d pictures while it was slow, %d after that", before, after-before)
		}
		f.cut = true
		f.shoot(10)
		got := numbers(f.seen(t, &r.recorder))
		if !slices.Equal(got[before:], count(410, 419)) {
			t.Errorf("got %v", got[before:])
		}
	})
}

func TestWhatWaitedForASlowWriteIsPaced(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.packets, f.keys = 50, 50 // 13 Mbit/s
		r := &slow{}
		defer f.h.Attach(r.write)()
		f.shoot(60)
		r.set(300 * time.Millisecond)
		f.shoot(1)
		f.shoot(1)
		time.Sleep(10 * time.Second)
		r.set(1500 * time.Millisecond)
		f.shoot(30)
		r.set(0)
		f.shoot(60)
		r.wantPaced(t)
		f.seen(t, &r.recorder)
	})
}

func TestTheSourceDoesNotWriteToASlowOutletForAWhile(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop = 30
		r := &slow{}
		defer f.h.Attach(r.write)()
		f.shoot(30)
		if f.modeOf() != direct {
			t.Fatal("not direct to begin with")
		}
		r.set(slowWrite + time.Millisecond)
		f.shoot(1)
		r.set(0)
		f.shoot(9 * 30)
		if f.modeOf() != behind {
			t.Error("direct after 9 s")
		}
		f.shoot(3 * 30)
		if f.modeOf() != direct {
			t.Error("not direct after 12 s")
		}
		f.seen(t, &r.recorder)
	})
}

func TestAnOutletThatHangsHoldsNobodyUpAndNoMemory(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(30)
		hang := make(chan struct{})
		r := &recorder{}
		detach := f.h.Attach(func(p camera.Packet) {
			<-hang
			r.write(p)
		})
		began := time.Now()
		f.packets = 50
		f.shoot(900)
		if held := time.Since(began) - 900*f.interval; held != 0 {
			t.Errorf("the source was held up for %v", held)
		}
		if n := len(f.h.store.slabs) + len(f.h.store.free); n > maxSlabs {
			t.Errorf("%d slabs", n)
		}
		close(hang)
		f.shoot(30)
		if got := numbers(f.seen(t, r)); got[0] != 0 || got[1] != 900 {
			t.Errorf("got %v, want the picture in which it hung, whole, and then the newest group", got)
		}
		detach()
	})
}

func TestAHangingReplayDoesNotCostTheNewestGroup(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.packets, f.gop = 20, 270 // 6 MB
		f.shoot(265)
		hang := make(chan struct{})
		r := &recorder{}
		defer f.h.Attach(func(p camera.Packet) {
			<-hang
			r.write(p)
		})()
		f.shoot(125)
		close(hang)
		f.shoot(120)
		if got, want := numbers(f.seen(t, r)), append([]int{0}, count(270, 509)...); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		if got := testutil.ToFloat64(f.h.metrics.dropped); got != 0 {
			t.Errorf("%v groups dropped", got)
		}
	})
}

func TestAPictureWithoutEndIsTheOnlyOneThatIsCut(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		hang := make(chan struct{})
		r := &recorder{}
		f.shoot(2)
		defer f.h.Attach(func(p camera.Packet) {
			<-hang
			r.write(p)
		})()
		payload := make([]byte, 1200)
		payload[0] = 0x65
		for range 10_000 {
			f.h.Packet(camera.Packet{Payload: payload, Timestamp: 1 << 31})
		}
		if n := len(f.h.store.slabs) + len(f.h.store.free); n > maxSlabs {
			t.Errorf("%d slabs", n)
		}
		close(hang)
		time.Sleep(time.Second)
		r.took()
		f.h.Refresh() // of a group whose beginning is lost
		f.timestamp = 1<<31 + 3000
		f.shoot(30)
		f.cut = true
		f.shoot(30)
		if got := numbers(f.seen(t, r)); !slices.Equal(got, count(32, 61)) {
			t.Errorf("got %v", got)
		}
	})
}

func TestDetachWaitsForAWriteButNotForEver(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(3)
		hang := make(chan struct{})
		writes := 0
		detach := f.h.Attach(func(camera.Packet) {
			writes++
			<-hang
		})
		synctest.Wait()
		time.AfterFunc(300*time.Millisecond, func() { close(hang) })
		began := time.Now()
		if detach(); time.Since(began) != 300*time.Millisecond {
			t.Errorf("detach took %v", time.Since(began))
		}
		hang = make(chan struct{})
		detach = f.h.Attach(func(camera.Packet) { <-hang })
		synctest.Wait()
		began = time.Now()
		if detach(); time.Since(began) != time.Second {
			t.Errorf("detach took %v", time.Since(began))
		}
		close(hang)
		synctest.Wait()
		f.shoot(3)
		if detach(); writes != 1 {
			t.Errorf("%d writes, none may begin after detach", writes)
		}
	})
}

func TestAPanicOfAnOutletReachesTheSource(t *testing.T) {
	for name, pictures := range map[string]int{"on the goroutine of the source": 0, "on one of the hub's": 3} {
		t.Run(name, func(t *testing.T) {
			stage(t, func(t *testing.T, f *film) {
				f.shoot(pictures)
				detach := f.h.Attach(func(camera.Packet) { panic("a mistake") })
				synctest.Wait()
				if err := guard.Run(func() error { f.shoot(1); return nil }); !guard.Panicked(err) {
					t.Errorf("got %v, want the panic", err)
				}
				detach()
			})
		})
	}
}

func TestANewSessionInterruptsAReplay(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(100)
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(10)
		f.newSession()
		f.shoot(10) // they refer to pictures of before
		before := len(f.seen(t, r))
		if before >= 100 {
			t.Fatalf("%d pictures: the replay was over", before)
		}
		f.cut = true
		f.shoot(20)
		if got := numbers(f.seen(t, r)); !slices.Equal(got, append(count(0, before-1), count(121, 140)...)) {
			t.Errorf("got %v", got)
		}
		if got := testutil.ToFloat64(f.h.metrics.skipped); got > 10 {
			t.Errorf("%v pictures are put down to the outlet", got)
		}
	})
}

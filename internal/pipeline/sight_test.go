package pipeline

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// scene is a camera, a room and a service between which pictures travel, at ten a second, one in twenty a key frame.
type scene struct {
	mu       sync.Mutex
	delivers bool // the camera
	arrive   bool // the pictures at the service
	answers  bool // the service
	refusal  error
	pictures uint64
	keyEvery uint64
	newest   time.Time
	index    int64
	stay     uint64
	lag      time.Duration
	looks    int
	doubts   []uint64
	reasons  []error
	took     time.Duration // by a look
	repeats  int           // looks that are answered as the one before
	answered int64         // the newest index that was told

	sight sight
}

func (s *scene) run(t *testing.T) {
	s.delivers, s.arrive, s.answers, s.stay, s.index = true, true, true, 1, -1
	if s.keyEvery == 0 {
		s.keyEvery = 20
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for retry.Sleep(ctx, 100*time.Millisecond) {
			s.change(s.picture)
		}
	})
	running.Go(func() { s.sight.watch(ctx, s, &lease.Lease{ID: "stream"}, s, s) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		if s.sight.open.Load() {
			t.Error("the sight was left open")
		}
	})
}

func (s *scene) picture() {
	if !s.delivers {
		return
	}
	s.pictures++
	s.newest = time.Now()
	if s.arrive {
		s.index++
	}
}

func (s *scene) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *scene) Get(ctx context.Context, id, _ string) (overshoot.StreamState, error) {
	s.mu.Lock()
	took := s.took
	s.mu.Unlock()
	if took > 0 && !retry.Sleep(ctx, took) {
		return overshoot.StreamState{}, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if s.refusal != nil {
		return overshoot.StreamState{}, s.refusal
	}
	if !s.answers || id != "stream" {
		return overshoot.StreamState{}, errors.New("503")
	}
	if s.repeats > 0 {
		s.repeats--
	} else {
		s.answered = s.index
	}
	return overshoot.StreamState{LastFrameIndex: s.answered}, nil
}

func (s *scene) Stay() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stay
}

func (s *scene) Doubt(stay uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.doubts, s.reasons = append(s.doubts, stay), append(s.reasons, err)
	s.stay++
}

func (s *scene) PictureAge() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.newest)
}

func (s *scene) Lag() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lag
}

func (s *scene) Counts() hub.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return hub.Counts{Pictures: s.pictures, Keys: s.pictures / s.keyEvery}
}

// ask lets d pass while a watch wants to ask ten times a second, and returns how often it might.
func (s *scene) ask(d time.Duration) (might int) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if s.sight.clear() {
			might++
		}
	}
	synctest.Wait()
	return might
}

// told returns the number of doubts and of looks, and counts the looks from zero again.
func (s *scene) told() (doubts, looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { s.looks = 0 }()
	return len(s.doubts), s.looks
}

func play(t *testing.T, s *scene, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s.run(t)
		test(t)
	})
}

func TestSightOpensOnceThePicturesOfAStayArrive(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		if might := s.ask(time.Minute); might < 590 {
			t.Errorf("might ask %d times in a minute, want nearly 600", might)
		}
		s.change(func() { s.arrive, s.stay = false, 2 })
		if might := s.ask(7 * time.Second); might > 1 {
			t.Errorf("might ask %d times in a stay whose pictures do not arrive", might)
		}
		s.change(func() { s.stay = 0 })
		s.ask(time.Second)
		s.change(func() { s.arrive = true })
		if s.ask(time.Minute) > 0 {
			t.Error("open without a stay")
		}
	})
}

func TestSightClosesWhenTheCameraIsDarkAndTheNextPictureHasToShow(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(time.Minute)
		s.change(func() { s.delivers = false })
		s.ask(1100 * time.Millisecond)
		if might := s.ask(time.Hour); might > 0 {
			t.Errorf("might ask %d times while dark", might)
		}
		if doubts, _ := s.told(); doubts > 0 {
			t.Errorf("doubted %d stays of a dark camera", doubts)
		}
		s.change(func() { s.delivers, s.arrive = true, false })
		if might := s.ask(5 * time.Second); might > 0 {
			t.Errorf("might ask %d times before a new picture arrived", might)
		}
		s.change(func() { s.arrive = true })
		if might := s.ask(10 * time.Second); might < 35 {
			t.Errorf("might ask %d times in 10 s when pictures arrive again", might)
		}
	})
}

func TestSightIsClosedWhileOldPicturesAreSentAgain(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(time.Minute)
		s.told()
		s.change(func() { s.lag = 3 * time.Second })
		s.ask(2 * look)
		if might := s.ask(3 * time.Second); might > 0 {
			t.Errorf("might ask %d times, and would be answered from old pictures", might)
		}
		if _, looks := s.told(); looks > 1 {
			t.Errorf("%d looks that prove nothing", looks)
		}
		s.change(func() { s.lag = 0 })
		if might := s.ask(late - look); might > 0 {
			t.Errorf("might ask %d times while a window of the last seconds is full of old pictures", might)
		}
		if might := s.ask(3 * time.Second); might < 27 {
			t.Errorf("might ask %d times in the 3 s after it", might)
		}
		s.change(func() { s.stay, s.lag = 2, 3*time.Second })
		s.ask(2 * look)
		if might := s.ask(10 * time.Minute); might > 0 {
			t.Errorf("might ask %d times in a stay that began with old pictures", might)
		}
		s.change(func() { s.lag = late / 2 })
		if might := s.ask(3 * time.Second); might < 20 {
			t.Errorf("might ask %d times in the 3 s after they were sent", might)
		}
		if doubts, _ := s.told(); doubts > 0 {
			t.Errorf("doubted %v", s.reasons)
		}
	})
}

// What arrived before a gap, and was not looked at then, proves nothing about the time after it.
func TestAfterAGapTheNextPictureHasToShow(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		for phase := range 10 {
			s.change(func() { s.lag, s.arrive = 0, true })
			s.ask(time.Minute + time.Duration(phase)*steadyLook/10)
			s.change(func() { s.lag, s.arrive = 3*time.Second, false })
			s.ask(6 * time.Second)
			s.change(func() { s.lag = 0 })
			if might := s.ask(5 * time.Second); might > 0 {
				t.Errorf("phase %d: might ask %d times about what was there before the gap", phase, might)
			}
			if doubts, _ := s.told(); doubts > 0 {
				t.Errorf("phase %d: doubted 5 s after the gap", phase)
			}
		}
	})
}

func TestLooksAreSteadyWhileQuestionsAreAskedAndRareOtherwise(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(10 * time.Second)
		s.told()
		s.ask(10 * time.Minute)
		if _, looks := s.told(); looks < 100 || looks > 140 {
			t.Errorf("%d looks in 10 min of questions, want one every 5 s", looks)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if doubts, looks := s.told(); looks < 18 || looks > 25 || doubts > 0 {
			t.Errorf("%d looks and %d doubts in 10 min without questions, want one look every 30 s", looks, doubts)
		}
	})
}

func TestAStayIsDoubtedWhenNothingArrivesAnyMore(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(time.Minute)
		s.change(func() { s.arrive = false })
		s.ask(2*steadyLook + 2*time.Second) // a look that sees the very last picture is followed by one that sees that there are no more
		if might := s.ask(4 * time.Second); might > 0 {
			t.Errorf("might ask %d times though nothing arrived for 12 s", might)
		}
		doubts, _ := s.told()
		if doubts != 1 || s.doubts[0] != 1 || !errors.Is(s.reasons[0], errBlind) {
			t.Fatalf("doubted %v with %v: want stay 1, after 16 s", s.doubts, s.reasons)
		}
		s.change(func() { s.arrive = true })
		if might := s.ask(10 * time.Second); might < 35 {
			t.Errorf("might ask %d times in 10 s of the next stay", might)
		}
	})
}

func TestAHiccupOfTheServiceIsNoReasonToDoubt(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(time.Minute)
		for range 20 {
			s.change(func() { s.arrive = false })
			s.ask(4 * time.Second)
			s.change(func() { s.arrive = true })
			s.ask(20 * time.Second)
		}
		s.change(func() { s.answers = false })
		if might := s.ask(10 * time.Minute); might < 5990 {
			t.Errorf("might ask %d times while the service says nothing about the stream", might)
		}
		if doubts, _ := s.told(); doubts > 0 {
			t.Errorf("doubted %v", s.reasons)
		}
	})
}

func TestACameraWithRareKeyFramesGetsTheTimeItNeeds(t *testing.T) {
	s := &scene{keyEvery: 300}
	play(t, s, func(t *testing.T) {
		s.ask(10 * time.Second)
		s.change(func() { s.arrive = false })
		s.ask(15 * time.Second)
		if might := s.ask(14 * time.Second); might > 0 {
			t.Errorf("might ask %d times though nothing arrived for 15 s", might)
		}
		if doubts, _ := s.told(); doubts > 0 {
			t.Fatal("doubted before two key frames had passed, one every 30 s")
		}
		s.ask(40 * time.Second)
		if doubts, _ := s.told(); doubts != 1 {
			t.Errorf("doubted %d stays, want 1", doubts)
		}
	})
}

func TestDoubtsInVainBecomeRare(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.change(func() { s.arrive = false })
		s.ask(2 * time.Hour)
		doubts, looks := s.told()
		if doubts < 10 || doubts > 35 {
			t.Errorf("%d doubts in two hours in which nothing arrived, want one every 5 min in the end", doubts)
		}
		if looks > 2500 {
			t.Errorf("%d looks in two hours", looks)
		}
		s.change(func() { s.arrive = true })
		if might := s.ask(time.Minute); might < 500 {
			t.Errorf("might ask %d times in the minute after", might)
		}
		s.change(func() { s.arrive = false })
		s.ask(16 * time.Second)
		if again, _ := s.told(); again != doubts+1 {
			t.Errorf("%d more doubts 16 s after pictures had arrived and ceased, want 1", again-doubts)
		}
	})
}

func TestALookThatHangsDoesNotHideADarkCamera(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(10 * time.Second)
		s.change(func() { s.took = time.Hour })
		s.ask(2 * steadyLook)
		s.change(func() { s.delivers = false })
		s.ask(5 * time.Second)
		if might := s.ask(time.Minute); might > 0 {
			t.Errorf("might ask %d times", might)
		}
	})
}

func TestOneLookAloneIsNoReasonToDoubt(t *testing.T) {
	s := &scene{}
	play(t, s, func(t *testing.T) {
		s.ask(10 * time.Second)
		for range 10 { // while nobody asks, so that a long time lies between two looks
			s.change(func() { s.repeats = 1 })
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if doubts, looks := s.told(); doubts > 0 || s.repeats > 0 {
			t.Errorf("%d doubts after %d looks", doubts, looks)
		}
	})
}

func TestALookThatIsRefusedIsRarelyRepeated(t *testing.T) {
	for _, code := range []int{401, 402, 403, 422} {
		synctest.Test(t, func(t *testing.T) {
			s := &scene{}
			s.run(t)
			time.Sleep(5 * time.Second)
			if !s.sight.open.Load() {
				t.Fatal("the sight is not open")
			}
			s.change(func() {
				s.refusal, s.looks = &overshoot.Error{Op: overshoot.OpChat, Status: code}, 0
			})
			time.Sleep(10 * time.Minute)
			s.change(func() {
				if s.looks > 20 {
					t.Errorf("%d: %d looks in ten minutes", code, s.looks)
				}
				s.refusal = nil
			})
			time.Sleep(time.Minute)
			if !s.sight.open.Load() {
				t.Errorf("%d: the sight stays closed though looks are answered again", code)
			}
		})
	}
}

func TestALookThatFailsIsRepeatedLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{}
		s.run(t)
		s.change(func() { s.answers = false })
		time.Sleep(10 * time.Minute)
		s.change(func() {
			if s.looks > 40 {
				t.Errorf("%d looks in ten minutes without an answer", s.looks)
			}
		})
	})
}

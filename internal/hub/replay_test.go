package hub

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// stage runs a test in a bubble, on a hub without outlet and a camera for it.
func stage(t *testing.T, test func(t *testing.T, f *film)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFilm(newHub())
		f.h.Begin(camera.Parameters{})
		test(t, f)
	})
}

// seen returns the pictures that an outlet got so far, all of which could be decoded.
func (f *film) seen(t *testing.T, r *recorder) []shot {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	shots, err := f.view(r.packets, r.times)
	if err == nil {
		err = f.judge(shots, false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return shots
}

func numbers(shots []shot) (all []int) {
	for _, s := range shots {
		all = append(all, s.number)
	}
	return all
}

func (f *film) modeOf() mode {
	synctest.Wait()
	f.h.mu.Lock()
	defer f.h.mu.Unlock()
	return f.h.out.mode
}

// count returns the integers from one to another.
func count(from, to int) (all []int) {
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

func TestANewOutletSeesTheGroupAndThenLivePictures(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(295)
		attached, r := time.Now(), &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(4)
		f.gop = 0 // the key frame that would cut it short does not come
		f.shoot(150)
		shots := f.seen(t, r)
		if got := numbers(shots); !slices.Equal(got, count(0, 448)) {
			t.Errorf("got pictures %v", got)
		}
		if took := shots[0].at.Sub(attached); took > 200*time.Millisecond {
			t.Errorf("the first picture took %v", took)
		}
		live := slices.IndexFunc(shots, func(s shot) bool {
			return s.number >= 295 && s.at.Sub(attached) < time.Duration(s.number-293)*f.interval
		})
		if took := shots[live].at.Sub(attached); took > 3500*time.Millisecond {
			t.Errorf("catching up took %v", took)
		}
		if f.modeOf() != direct {
			t.Error("it did not come back to the direct way")
		}
		t.Logf("first picture after %v, live after %v", shots[0].at.Sub(attached), shots[live].at.Sub(attached))
	})
}

func TestAReplayIsPaced(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(250)
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(10)
		r.wantPaced(t)
	})
}

// wantPaced fails when more than a UDP socket buffers came within 10 ms.
func (r *recorder) wantPaced(t *testing.T) {
	t.Helper()
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.times {
		sent := 0
		for j := i; j < len(r.times) && r.times[j].Sub(r.times[i]) <= 10*time.Millisecond; j++ {
			sent += len(r.packets[j].Payload)
		}
		if sent > 100_000 {
			t.Fatalf("%d bytes within 10 ms", sent)
		}
	}
}

func TestAReplayThatBeginsJustAfterAKeyFrameCatchesUp(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.packets, f.keys = 100, 100 // 26 Mbit/s
		defer f.h.Attach(func(camera.Packet) {})()
		f.shoot(304)
		f.h.Refresh()
		f.shoot(5)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 1 {
			t.Errorf("%v replays", got)
		}
		if got := f.h.Lag(); got != 0 {
			t.Errorf("still %v behind after 170 ms", got)
		}
	})
}

func TestAfterAReplayPicturesHaveTheirOwnTimeAgain(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(30)
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(60)
		time.Sleep(15 * time.Millisecond) // the network was slow, not the camera
		f.shoot(2)
		shots := f.seen(t, r)
		last := shots[len(shots)-3:]
		if a, b := last[1].timestamp-last[0].timestamp, last[2].timestamp-last[1].timestamp; a != 3000 || b != 3000 {
			t.Errorf("steps of %d and %d", a, b)
		}
	})
}

func TestARequestIsFulfilledAtOnceBetweenTwoPictures(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.interval = time.Second
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(5)
		f.h.Refresh()
		time.Sleep(time.Millisecond)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 1 {
			t.Errorf("%v replays before the next picture", got)
		}
		f.shoot(5)
		payloads := f.begin()
		for i, p := range payloads {
			f.h.Packet(camera.Packet{Payload: p, Timestamp: f.timestamp, Marker: i == len(payloads)-1})
			if i == 3 {
				f.h.Refresh()
			}
		}
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 2 {
			t.Errorf("%v replays at the end of the picture", got)
		}
		f.seen(t, r)
	})
}

func TestARequestMayCrossTheReplayOfANewStay(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.keys = 20
		f.shoot(60)
		r := &recorder{}
		defer f.h.Attach(r.write)()
		time.Sleep(20 * time.Millisecond)
		f.h.Refresh()
		f.shoot(2)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 1 {
			t.Errorf("%v replays at once", got)
		}
		f.shoot(3)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 2 {
			t.Errorf("%v replays after 100 ms", got)
		}
		f.seen(t, r)
	})
}

func TestTimestampsOfAReplayFollowTheTimeOfSending(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(200)
		f.h.Refresh()
		f.shoot(90)
		shots := f.seen(t, r)
		for i, s := range shots[1:] {
			by, during := span(shots[0].timestamp, s.timestamp), s.at.Sub(shots[0].at)
			if off := (by - during).Abs(); off > 150*time.Millisecond { // as long as a key frame takes
				t.Fatalf("picture %d (the %dth): its timestamp is %v off", s.number, i, by-during)
			}
		}
	})
}

func TestARefreshRewindsBetweenTwoPictures(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(20)
		payloads := f.begin()
		half := len(payloads) / 2
		for i, p := range payloads {
			if i == half {
				f.h.Refresh()
			}
			f.h.Packet(camera.Packet{Payload: p, Timestamp: f.timestamp, Marker: i == len(payloads)-1})
		}
		f.shoot(20)
		if got, want := numbers(f.seen(t, r)), append(count(0, 20), count(0, 40)...); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

func TestARequestIsFulfilledByTheNextKeyFrame(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop = 10
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(10)
		f.shoot(1)
		f.h.Refresh() // 33 ms after a key frame: it may cross it
		f.shoot(1)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 0 {
			t.Errorf("%v replays right after a key frame", got)
		}
		f.shoot(4)
		f.h.Refresh() // too soon after the last
		f.shoot(24)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 1 {
			t.Errorf("%v replays, want the one of the first request", got)
		}
		f.seen(t, r)
	})
}

func TestARequestThatComesTooSoonIsNotLost(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(30)
		f.h.Refresh()
		f.shoot(20)
		f.h.Refresh()
		f.shoot(8)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 1 {
			t.Fatalf("%v replays within a second", got)
		}
		f.shoot(5)
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 2 {
			t.Errorf("%v replays after a second", got)
		}
		f.seen(t, r)
	})
}

// An encoder of ours makes a key frame on request. Nothing is shown twice then, and a storm of requests makes no storm of key frames.
func TestWhereAKeyFrameCanBeAskedForNothingIsReplayed(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		asked := 0
		f.h.AskKeyFrame = func() bool {
			asked++
			f.cut = true
			return true
		}
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(30)
		f.h.Refresh()
		f.shoot(30)
		shots := f.seen(t, r)
		if got := numbers(shots); !slices.Equal(got, count(0, 59)) || !f.key[30] {
			t.Errorf("got pictures %v, of which the one after the request is a key frame: %v", got, f.key[30])
		}
		for range 14 * 30 {
			f.h.Refresh()
			f.shoot(1)
		}
		if f.seen(t, r); asked != 4 { // the first, and after 0, 2 and 6 s
			t.Errorf("%d key frames were asked for in 14 s", asked)
		}
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 0 {
			t.Errorf("%v replays", got)
		}
	})
}

func TestAStormOfRequestsIsAnsweredLessAndLess(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.gop = 0
		f.shoot(30)
		for range 14 * 30 {
			f.h.Refresh()
			f.shoot(1)
		}
		if got := testutil.ToFloat64(f.h.metrics.replays); got != 4 { // after 0, 1, 3 and 7 s
			t.Errorf("%v replays in 14 s", got)
		}
		f.seen(t, r)
	})
}

func TestAGroupOfMinutesIsNotReplayed(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		var told []string
		f.h.OnLongInterval = func(advice string) { told = append(told, advice) }
		f.gop = 1800
		first := &recorder{}
		detach := f.h.Attach(first.write)
		f.shoot(600)
		if n := len(f.h.store.slabs) + len(f.h.store.free); n > maxSlabs {
			t.Errorf("%d slabs", n)
		}
		f.h.Refresh()
		f.shoot(100)
		detach()
		second := &recorder{}
		defer f.h.Attach(second.write)()
		f.shoot(1111)
		if got := numbers(f.seen(t, first)); !slices.Equal(got, count(0, 699)) {
			t.Errorf("live got %d pictures of 700", len(got))
		}
		shots, err := f.view(second.packets, second.times)
		if err == nil {
			err = f.judge(shots, true)
		}
		if err != nil || !slices.Equal(numbers(shots), count(700, 1810)) {
			t.Errorf("%v; the second got %d pictures", err, len(shots))
		}
		if len(told) != 1 || !strings.Contains(told[0], "at least 15s apart (451 pictures)") {
			t.Errorf("told %q", told)
		}
		if got := testutil.ToFloat64(f.h.metrics.dropped); got != 1 {
			t.Errorf("%v groups dropped", got)
		}
	})
}

func TestAGroupTooLargeIsNotReplayedAndLivePicturesGoOn(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.packets = 100 // 26 Mbit/s
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(200)
		f.h.Refresh()
		f.shoot(90)
		if got := testutil.ToFloat64(f.h.metrics.dropped); got != 1 {
			t.Errorf("%v groups dropped", got)
		}
		f.shoot(20)
		f.h.Refresh()
		f.shoot(20)
		if got, want := numbers(f.seen(t, r)), append(count(0, 309), count(300, 329)...); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
	})
}

func TestWhatIsPastIsNotShownAsNow(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(50)
		time.Sleep(3 * time.Second) // the camera is dark
		r := &recorder{}
		defer f.h.Attach(r.write)()
		time.Sleep(3 * time.Second)
		if got := f.seen(t, r); len(got) != 0 {
			t.Fatalf("%d pictures of a camera that is dark", len(got))
		}
		f.shoot(51)
		if got := numbers(f.seen(t, r)); !slices.Equal(got, count(0, 100)) {
			t.Errorf("got %v", got)
		}
	})
}

func TestARequestWaitsForACameraThatIsDark(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(50)
		time.Sleep(3 * time.Second)
		f.h.Refresh()
		time.Sleep(3 * time.Second)
		if got := numbers(f.seen(t, r)); !slices.Equal(got, count(0, 49)) {
			t.Errorf("got %v while it is dark", got)
		}
		f.shoot(30)
		if got := numbers(f.seen(t, r)); !slices.Equal(got, append(count(0, 49), count(0, 79)...)) {
			t.Errorf("got %v", got)
		}
	})
}

func TestLagShowsThatAReplayLasts(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(250)
		if got := f.h.Lag(); got != 0 {
			t.Errorf("%v without an outlet", got)
		}
		defer f.h.Attach(func(camera.Packet) {})()
		f.shoot(30)
		if got := f.h.Lag(); got < 3*time.Second || got > 8*time.Second {
			t.Errorf("%v in the middle of a replay of 8 s", got)
		}
		f.gop = 0
		f.shoot(90)
		if got := f.h.Lag(); got != 0 {
			t.Errorf("%v after it", got)
		}
	})
}

func TestANewKeyFrameEndsAReplay(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.shoot(270)
		r := &recorder{}
		defer f.h.Attach(r.write)()
		f.shoot(60)
		got := numbers(f.seen(t, r))
		at := slices.Index(got, 300)
		if at < 0 || at > 200 || !slices.Equal(got[at:], count(300, 329)) {
			t.Errorf("got %v", got)
		}
	})
}

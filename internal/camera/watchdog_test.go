package camera_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// film delivers ten pictures a second, of which each that key returns true for (at a time since its start) is a key frame.
func film(ctx context.Context, r camera.Receiver, key func(time.Duration) bool) error {
	r.Begin(camera.Format{Codec: camera.H264, Sets: [][]byte{{0x67, 0x42, 0xc0, 0x1f}, {0x68, 0xce, 0x3c, 0x80}}})
	for n := uint32(0); ctx.Err() == nil; n++ {
		slice := []byte{0x41, 0x9a, 1}
		if key(time.Duration(n) * 100 * time.Millisecond) {
			slice = []byte{0x65, 0x88, 0x84}
		}
		r.Packet(camera.Packet{Payload: slice, Timestamp: n * 9000, Marker: true})
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

func every(interval time.Duration) func(time.Duration) bool {
	return func(at time.Duration) bool { return at%interval == 0 }
}

func until(end time.Duration, key func(time.Duration) bool) func(time.Duration) bool {
	return func(at time.Duration) bool { return at < end && key(at) }
}

func TestACameraThatStopsSendingKeyFramesIsOpenedAgain(t *testing.T) {
	for interval, want := range map[time.Duration]time.Duration{time.Second: 3 * time.Second, 10 * time.Second: 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
				if attempt == 1 {
					return film(ctx, r, until(time.Minute, every(interval)))
				}
				<-ctx.Done()
				return ctx.Err()
			}}
			part, stop := start(t, s)
			time.Sleep(3 * time.Minute)
			if text := part.View().Error; !strings.Contains(text, "no key frame came for "+want.String()) {
				t.Errorf("the error is %q", text)
			}
			stop()
			starts := s.starts()
			if len(starts) != 2 {
				t.Fatalf("%d attempts", len(starts))
			}
			last := time.Minute - interval
			if after := starts[1].Sub(starts[0]) - last; after < want || after > want+250*time.Millisecond { // it is seen with a picture
				t.Errorf("opened again %v after the last key frame, want %v", after, want)
			}
		})
	}
}

// When no pictures come either, it is the pictures that are waited for, as long as the settings say.
func TestASilentCameraIsGivenItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
			short, end := context.WithTimeout(ctx, 10950*time.Millisecond)
			defer end()
			_ = film(short, r, every(time.Second))
			<-ctx.Done()
			return ctx.Err()
		}}
		_, stop := start(t, s)
		time.Sleep(time.Minute)
		stop()
		starts := s.starts()
		for i, again := range starts[1:] {
			const last = 10900 * time.Millisecond // when the last picture came
			if after := again.Sub(starts[i]) - last; after < 3*time.Second || after > 3100*time.Millisecond {
				t.Errorf("opened again %v after the last picture, want 3s", after)
			}
		}
	})
}

// With smart coding, key frames are minutes apart, and their distance grows while nothing moves.
func TestACameraOfFewKeyFramesIsLeftAlone(t *testing.T) {
	for name, tc := range map[string]struct {
		key     func(time.Duration) bool
		reopens int // within two hours
	}{
		"every 4 minutes":              {every(4 * time.Minute), 0},
		"first close, then far apart":  {func(at time.Duration) bool { return at < time.Minute && at%time.Second == 0 || at%(2*time.Minute) == 0 }, 7},
		"one, and never again in 4.9m": {every(294 * time.Second), 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error { return film(ctx, r, tc.key) }}
				_, stop := start(t, s)
				time.Sleep(2 * time.Hour)
				stop()
				if n := len(s.starts()) - 1; n > tc.reopens {
					t.Errorf("opened again %d times in two hours, want %d at most", n, tc.reopens)
				}
			})
		})
	}
}

// Without ever a key frame nobody sees anything: that is given up, if late.
func TestACameraWithoutAnyKeyFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
			return film(ctx, r, func(time.Duration) bool { return false })
		}}
		_, stop := start(t, s)
		time.Sleep(time.Hour)
		stop()
		if n := len(s.starts()); n < 10 || n > 13 {
			t.Errorf("%d attempts in an hour, want one each 5 minutes", n)
		}
	})
}

// lateHub does not know of a session before its first key frame, as an intake may that has to look at the video first.
type lateHub struct {
	before time.Time // what it knows of
	live   bool      // pictures come
}

func (h *lateHub) KeyAge() time.Duration { return time.Since(h.before) }
func (h *lateHub) KeyGap() time.Duration { return time.Second }
func (h *lateHub) PictureAge() time.Duration {
	if h.live {
		return time.Millisecond
	}
	return time.Since(h.before)
}

func TestWhatCameBeforeASessionIsNotHeldAgainstIt(t *testing.T) {
	for state, live := range map[string]bool{"opening": false, "live": true} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
				r.Begin(camera.Format{Codec: camera.H264})
				<-ctx.Done()
				return ctx.Err()
			}}
			part, stop := startWith(t, s, &lateHub{time.Now().Add(-time.Hour), live})
			time.Sleep(2900 * time.Millisecond)
			wantState(t, part, state)
			if n := len(s.starts()); n != 1 {
				t.Errorf("%s: %d attempts", state, n)
			}
			time.Sleep(200 * time.Millisecond)
			if part.View().Error == "" {
				t.Errorf("%s: nothing was overdue after 3s", state)
			}
			stop()
		})
	}
}

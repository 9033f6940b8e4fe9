package v4l2

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// skip leaves a picture out, or uses it.
func (p *pace) skip(taken time.Duration) bool {
	early := p.early(taken)
	if !early {
		p.used(taken)
	}
	return early
}

// A camera that is faster than it was asked to be is thinned out to that, however unpunctual it is; a slower one keeps all its pictures.
func TestAFastCameraIsThinnedOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		asked := rapid.SampledFrom([]float64{1, 5, 7.5, 10, 15, 20, 25}).Draw(t, "asked")
		camera := rapid.SampledFrom([]float64{5, 10, 15, 20, 25, 30, 60}).Draw(t, "camera")
		p := newPace(wish{fps: asked}, choice{pixel: kind(MJPEG), fps: camera})
		interval := time.Duration(float64(time.Second) / camera)
		const seconds = 20
		used, at := 0, rapid.Custom(func(t *rapid.T) time.Duration {
			return time.Duration(rapid.IntRange(0, 1e9).Draw(t, "start"))
		}).Draw(t, "start")
		for n := range int(seconds * camera) {
			jitter := time.Duration(rapid.IntRange(-100, 100).Draw(t, "jitter")) * interval / 1000
			if !p.skip(at + time.Duration(n)*interval + jitter) {
				used++
			}
		}
		want := seconds * min(asked, camera)
		if camera < asked*1.1 {
			want = seconds * camera
		}
		if float64(used) < 0.9*want-1 || float64(used) > 1.05*want+1 {
			t.Fatalf("%v fps asked of a camera of %v: %d pictures in %d seconds, want %v", asked, camera, used, seconds, want)
		}
	})
}

func TestPausesAreForgiven(t *testing.T) {
	p := pace{interval: 100 * time.Millisecond}
	for i, tc := range []struct {
		at   time.Duration // milliseconds
		skip bool
	}{{1000, false}, {1050, true}, {1100, false}, {9000, false}, {9050, true}, {9099, false}, {20, false}, {50, true}, {120, false}} {
		if got := p.skip(tc.at * time.Millisecond); got != tc.skip {
			t.Errorf("%d: at %d ms skipped %v", i, tc.at, got)
		}
	}
}

func TestWhoIsNotThinnedOut(t *testing.T) {
	for name, p := range map[string]pace{
		"H.264":    newPace(wish{fps: 5}, choice{pixel: kind(H264), fps: 30}),
		"as asked": newPace(wish{fps: 15}, choice{pixel: kind(YUYV), fps: 15}),
		"too slow": newPace(wish{fps: 15}, choice{pixel: kind(YUYV), fps: 5}),
		"the same": newPace(wish{fps: 29.97}, choice{pixel: kind(YUYV), fps: 30}),
	} {
		if p != (pace{}) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	if newPace(wish{fps: 5}, choice{pixel: kind(YUYV)}) == (pace{}) {
		t.Error("a camera that does not say how fast it is is not thinned out")
	}
}

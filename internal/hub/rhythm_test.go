package hub

import (
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestTheIntervalOfKeyFramesIsMeasured(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop = 60
		f.shoot(60)
		if got := f.h.KeyGap(); got != 0 {
			t.Errorf("largest gap %v before the second key frame", got)
		}
		f.shoot(31)
		if got := testutil.ToFloat64(f.h.metrics.interval); got != 2 {
			t.Errorf("interval %v, want 2", got)
		}
		if gap, age := f.h.KeyGap(), f.h.KeyAge(); gap != 2*time.Second || age != 31*f.interval {
			t.Errorf("largest gap %v, newest %v ago", gap, age)
		}
		f.gop = 30
		f.shoot(60)
		if gap, got := f.h.KeyGap(), testutil.ToFloat64(f.h.metrics.interval); gap != 2*time.Second || got > 1 {
			t.Errorf("largest gap %v, interval %v", gap, got)
		}
	})
}

func TestASessionGivenUpWithoutAKeyFrameRaisesTheGap(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		f.gop = 0
		f.shoot(151)
		time.Sleep(time.Minute) // not a time in which it sent pictures
		f.h.Begin(camera.Parameters{})
		if gap, want := f.h.KeyGap(), 150*f.interval; gap != want {
			t.Errorf("largest gap %v, want %v", gap, want)
		}
		time.Sleep(time.Minute)
		f.h.Begin(camera.Parameters{}) // had no key frame at all
		if gap, want := f.h.KeyGap(), 150*f.interval; gap != want || f.h.KeyAge() != 0 {
			t.Errorf("largest gap %v, want %v", gap, want)
		}
	})
}

func TestALongIntervalIsToldOnceInASession(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		var told []string
		f.h.OnLongInterval = func(advice string) { told = append(told, advice) }
		f.gop = 120
		f.shoot(300)
		if len(told) != 0 {
			t.Errorf("4 s are told: %q", told)
		}
		f.gop = 150
		f.shoot(600)
		f.h.Begin(camera.Parameters{})
		f.shoot(600)
		const want = "the camera's key frames are 5s apart (150 pictures): after a restart or a lost packet there may be no picture for so " +
			"long; in its video settings set the I-frame interval (also called GOP or GOV length) to two seconds, which is twice the frame " +
			"rate, and turn off smart coding (H.264+, Smart Codec, Zipstream)"
		if len(told) != 2 || told[0] != want || told[1] != want {
			t.Errorf("told %q", told)
		}
	})
}

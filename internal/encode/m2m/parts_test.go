package m2m

import (
	"bytes"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"pgregory.net/rapid"
)

func TestTicksComeBackFromMicroseconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Int64Range(0, 1<<44).Draw(t, "ticks")
		there := timeOf(ticks)
		if there%time.Microsecond != 0 {
			t.Fatalf("%d ticks are %v", ticks, there)
		}
		if back := ticksOf(there); back != ticks {
			t.Fatalf("%d ticks are %v, and that is %d", ticks, there, back)
		}
	})
}

func TestParameterSetsInABufferOfTheirOwn(t *testing.T) {
	sets, key, other := []byte("\x00\x00\x00\x01\x67set\x00\x00\x00\x01\x68set"), []byte("\x00\x00\x00\x01\x65key"), []byte("\x00\x00\x00\x01\x61other")
	var j joiner
	for i, step := range []struct{ made, want []byte }{
		{sets, nil},
		{key, append(bytes.Clone(sets), key...)},
		{other, other},
		{append(bytes.Clone(sets), key...), append(bytes.Clone(sets), key...)},
		{sets, nil},
		{other, append(bytes.Clone(sets), other...)},
		{other, other},
	} {
		if got := j.join(v4l2.H264, step.made); !bytes.Equal(got, step.want) {
			t.Errorf("step %d: %q, want %q", i, got, step.want)
		}
	}
}

func TestWhatItTakes(t *testing.T) {
	e := New().Encoders()[0]
	for _, c := range []struct {
		job  encode.Job
		want string
	}{
		{encode.Job{Codec: camera.YUYV, Width: 640, Height: 480, MaxHeight: 720}, ""},
		{encode.Job{Codec: camera.NV12, Width: 640, Height: 480}, ""},
		{encode.Job{Codec: camera.I420, Width: 640, Height: 480}, ""},
		{encode.Job{Codec: camera.MJPEG}, "it has no decoder of MJPEG"},
		{
			encode.Job{Codec: camera.YUYV, Width: 1920, Height: 1080, MaxHeight: 720},
			"it does not make pictures smaller, and these have 1080 lines where max_height is 720",
		},
	} {
		got := ""
		if err := e.Takes(c.job); err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.job, got, c.want)
		}
	}
	if e.Name() != "v4l2m2m" || e.Class() != encode.HardwareInside {
		t.Errorf("%s, class %v", e.Name(), e.Class())
	}
}

package encode_test

import (
	"os"
	"runtime"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child/childtest"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/openh264"
)

func TestNothingLeaksOverManyLives(t *testing.T) {
	c := raws(camera.YUYV, "64x48", 3)
	shots := c.make(t, 0)
	for name, tc := range map[string]struct {
		encoders *encode.Encoders
		rounds   int
	}{
		"in process": {encode.NewEncoders(openh264.New(), &studio{name: "m2m", class: encode.SoftwareInside}), 200},
		"child":      {encode.NewEncoders(ffmpeg.New("ffmpeg", unscrubbed)), 60},
	} {
		t.Run(name, func(t *testing.T) {
			life := func() {
				r := start(t, encode.Options{Codec: c.codec, Encoders: tc.encoders})
				r.Begin(c.announced(t))
				r.write(shots)
				r.wait(1)
				_ = r.stop()
			}
			life()
			before := inventory(t)
			for range tc.rounds {
				life()
			}
			var after stock
			defer func() { t.Logf("before %+v, after %+v", before, after) }()
			eventually(t, "as little as before", func() bool {
				after = inventory(t)
				return after.files <= before.files && after.goroutines <= before.goroutines && after.children <= before.children
			})
		})
	}
}

// A stock is what must not become more.
type stock struct{ files, goroutines, children int }

func inventory(t *testing.T) (have stock) {
	t.Helper()
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	have.files, have.goroutines, have.children = len(files), runtime.NumGoroutine(), len(childtest.Mine(t))
	return have
}

// Package clip makes and loads the short H.264 clips that the test cameras play in a loop. A clip is a raw Annex-B file
// with the parameter sets before every key frame, as many cameras send them, and without B-frames.
package clip

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// drawing names the look of the pictures and the coder's settings. Change it when either changes, so that clips made before are not taken for new ones.
const drawing = "1"

// A Spec says what clip to make. Picture n of it carries counter n mod picture.CounterPeriod.
type Spec struct {
	Name          string // of the format, such as 720p30; part of the file name
	Width, Height int    // pixels, both even, at least 64x36
	FPS           int    // pictures per second
	Frames        int    // a multiple of picture.CounterPeriod, so that the counter runs on when the clip loops
	GOP           int    // pictures from one key frame to the next; it divides Frames
	BitrateKbps   int    // aimed at; a small picture may need less
	Camera        int    // number burned into the pictures, 0 to picture.MaxCamera
}

// HD returns the Spec of a 20 s clip of 720p30 at 1.5 Mbit/s with a key frame every two seconds.
func HD(camera int) Spec {
	return Spec{Name: "720p30", Width: 1280, Height: 720, FPS: 30, Frames: 600, GOP: 60, BitrateKbps: 1500, Camera: camera}
}

// FullHD returns the Spec of a 20 s clip of 1080p30 at 4 Mbit/s with a key frame every two seconds.
func FullHD(camera int) Spec {
	return Spec{Name: "1080p30", Width: 1920, Height: 1080, FPS: 30, Frames: 600, GOP: 60, BitrateKbps: 4000, Camera: camera}
}

// Small returns the Spec of a clip of 360p30 at 0.5 Mbit/s for tests: made in about a second.
func Small(camera int) Spec {
	return Spec{Name: "360p30", Width: 640, Height: 360, FPS: 30, Frames: 600, GOP: 30, BitrateKbps: 500, Camera: camera}
}

// FileName returns a name that differs for every Spec and every way of drawing.
func (s Spec) FileName() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", drawing, s))
	return fmt.Sprintf("%s-camera%d-%s.h264", s.Name, s.Camera, hex.EncodeToString(sum[:4]))
}

// check returns all that is wrong with the Spec.
func (s Spec) check() error {
	var problems []error
	complain := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf("clip %q: "+format, append([]any{s.Name}, args...)...))
		}
	}
	complain(s.Width < 64 || s.Height < 36 || s.Width%2 != 0 || s.Height%2 != 0, "size %dx%d: want even figures, at least 64x36", s.Width, s.Height)
	complain(s.FPS < 1 || s.BitrateKbps < 1, "%d pictures/s at %d kbit/s: both must be positive", s.FPS, s.BitrateKbps)
	complain(s.Frames < 1 || s.Frames%picture.CounterPeriod != 0, "%d pictures: want a multiple of %d", s.Frames, picture.CounterPeriod)
	complain(s.GOP < 1 || s.Frames%max(s.GOP, 1) != 0, "key frame every %d pictures: want a divisor of %d", s.GOP, s.Frames)
	complain(s.Camera < 0 || s.Camera > picture.MaxCamera, "camera %d: want 0 to %d", s.Camera, picture.MaxCamera)
	return errors.Join(problems...)
}

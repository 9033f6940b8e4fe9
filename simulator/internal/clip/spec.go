// Package clip makes and loads the short clips that the test cameras play in a loop. A clip is a raw Annex-B file with the
// parameter sets before every key frame, as many cameras send them, or a row of JPEG files.
package clip

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// drawing names the look of the pictures and the coder's settings. Change it when either changes, so that clips made before are not taken for new ones.
const drawing = "2"

// A Codec is the way in which the pictures of a clip are coded.
type Codec string

// The codecs. The zero value of Spec.Codec means H264.
const (
	H264  Codec = "h264"
	H265  Codec = "h265"
	MJPEG Codec = "mjpeg"
)

// A Spec says what clip to make. Picture n of it carries counter n mod picture.CounterPeriod.
type Spec struct {
	Name          string // of the format, such as 720p30; part of the file name
	Width, Height int    // pixels, both even, at least 64x36
	FPS           int    // pictures per second
	Frames        int    // a multiple of picture.CounterPeriod, so that the counter runs on when the clip loops
	GOP           int    // pictures from one key frame to the next; it divides Frames
	BitrateKbps   int    // aimed at; a small picture may need less
	Camera        int    // number burned into the pictures, 0 to picture.MaxCamera

	Codec   Codec
	BFrames int  // H264 only: so many B-frames between two others, which are sent after the picture that follows them
	Slices  int  // H264 only: in each picture; 0 means one
	Shrinks bool // the second half of the clip has half the width and height, with parameter sets of its own
}

// codec is the one that is meant.
func (s Spec) codec() Codec { return cmp.Or(s.Codec, H264) }

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

// Tiny returns the Spec of a clip of 180p15 at 0.2 Mbit/s, for tests with many cameras.
func Tiny(camera int) Spec {
	return Spec{Name: "180p15", Width: 320, Height: 180, FPS: 15, Frames: 600, GOP: 15, BitrateKbps: 200, Camera: camera}
}

// FileName returns a name that differs for every Spec and every way of drawing.
func (s Spec) FileName() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %+v", drawing, s))
	return fmt.Sprintf("%s-camera%d-%s.%s", s.Name, s.Camera, hex.EncodeToString(sum[:4]), s.codec())
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
	complain(s.Shrinks && (s.Width < 128 || s.Height < 72 || s.Width%4 != 0 || s.Height%4 != 0 || s.Frames/2%max(s.GOP, 1) != 0),
		"half of %dx%d, every %d pictures: want even figures, at least 64x36, and whole groups of pictures", s.Width, s.Height, s.GOP)
	complain(s.BFrames > 0 && s.codec() != H264 || s.Slices > 1 && s.codec() != H264, "B-frames and slices are for H.264 only")
	complain(!slices.Contains([]Codec{H264, H265, MJPEG}, s.codec()), "codec %q: want h264, h265 or mjpeg", s.Codec)
	complain(s.Camera < 0 || s.Camera > picture.MaxCamera, "camera %d: want 0 to %d", s.Camera, picture.MaxCamera)
	return errors.Join(problems...)
}

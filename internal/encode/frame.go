package encode

import (
	"time"
)

// Headroom is how many bytes a container may write in front of a picture, see Frame.With.
const Headroom = 16

// Hertz is the beat of all timestamps.
const Hertz = 90_000

// A Frame is a picture on its way to an encoder.
type Frame struct {
	// Ticks says when it is shown, at 90 kHz, on a line that goes on over all sessions of the camera and never wraps.
	Ticks int64
	// Force asks for a key frame: of the first picture, every two seconds, and when a viewer wants one.
	Force bool

	bytes   []byte // Headroom, then the picture
	key     bool   // decoding can begin here
	shape   shape
	arrived time.Time
}

// A shape is what an encoder cannot change: pictures of different shapes need different ones.
type shape struct {
	count         int // of changes
	width, height int // in pixels; 0 where only a decoder knows
}

// Data is the picture: a byte stream (annex B) of H.264 or H.265, a JPEG file, or samples without padding between lines.
func (f *Frame) Data() []byte { return f.bytes[Headroom:] }

// Timestamp is what Emit wants to hear of the picture.
func (f *Frame) Timestamp() uint32 { return uint32(f.Ticks) }

// With returns header and picture in one piece. The header may have Headroom bytes, and is written over by the next.
func (f *Frame) With(header []byte) []byte {
	begin := Headroom - len(header)
	copy(f.bytes[begin:], header)
	return f.bytes[begin:]
}

// NewFrame returns a frame of its own, of a picture that it copies; for those who try an encoder.
func NewFrame(picture []byte, ticks int64, force bool) *Frame {
	f := &Frame{Ticks: ticks, Force: force, key: true, arrived: time.Now()}
	f.reset()
	f.bytes = append(f.bytes, picture...)
	return f
}

// reset empties it, and keeps its memory.
func (f *Frame) reset() { f.bytes = append(f.bytes[:0], make([]byte, Headroom)...) }

// appendUnits adds NAL units as a byte stream (ITU-T H.264 and H.265, annex B).
func (f *Frame) appendUnits(units [][]byte) {
	for _, unit := range units {
		if len(unit) > 0 {
			f.bytes = append(f.bytes, 0, 0, 0, 1)
			f.bytes = append(f.bytes, unit...)
		}
	}
}

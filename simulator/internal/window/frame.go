// Package window keeps the frames of the last ten minutes of one stream and finds in them what ovs:// references name.
//
// Every frame has a lifetime index, counted from 0 at the stream's first frame and never reset, and a place on the
// stream clock, which starts at that first frame. Frames leave by age; their indices are never given again.
package window

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// Retention is how long a frame can be addressed.
const Retention = 600 * time.Second

// A Frame is one picture that arrived.
type Frame struct {
	Index   int64         // lifetime index, from 0
	At      time.Time     // when it arrived
	Clock   time.Duration // At less the arrival of the stream's first frame
	Bytes   int           // size as it was coded
	Key     bool          // whether it can be decoded alone
	Decoded bool          // whether Reading was read from the picture
	Reading picture.Reading
}

// An Arrival is what is known of a frame before it has its place in a window.
type Arrival struct {
	At      time.Time
	Bytes   int
	Key     bool
	Decoded bool
	Reading picture.Reading
}

// Codes of an Error, as the service calls them.
const (
	CodeEvicted     = "frame_evicted"
	CodeNotYet      = "frame_not_yet_produced"
	CodeEmpty       = "segment_empty"
	CodeEndNotAfter = "segment_invalid"
)

// An Error says why a reference names no frame of the window.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Rules say how to read the sources where they disagree; the simulator's switches choose. The zero value is the default profile.
type Rules struct {
	ClampOld        bool // an evicted index means the oldest retained frame
	NegativeFromNow bool // negative offsets count from the moment of asking, not from the newest frame
	EndZeroIsEdge   bool // end_offset_ms=0 means the live edge, not the oldest retained frame
}

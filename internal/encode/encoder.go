package encode

import (
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"go.uber.org/zap"
)

// A Kind is a family of encoders. Each is a folder below this one, and knows nothing of its siblings, of queues, of metrics or of strikes.
type Kind interface {
	// Encoders lists them, best first. The list and the names never change; what does not work here is found out by trying.
	Encoders() []Encoder
}

// An Encoder makes H.264 that every receiver can decode: constrained baseline, a slice order without B-frames, a key frame every two seconds.
// Any goroutine may call its methods.
type Encoder interface {
	// Name stands in logs, metrics and on the status page: "libx264".
	Name() string
	// Class decides its place among the others.
	Class() Class
	// Takes returns nil, or says in words why it cannot do a job: "it does not make pictures smaller". It is asked often, touches no device,
	// and may say nil where only Work can find out.
	Takes(Job) error
	// Work encodes pictures of one shape, from desk to desk, until Take returns nil: then it gives what it still has and returns nil. It has its
	// own goroutine and may start others, which are gone when it returns; panics of its own goroutine are caught. When ctx ends it drops everything
	// and returns soon; one that does not, because a driver hangs, is left behind, and its encoder is not used again before it returned.
	// Every other end is a failure of the encoder, and the error says what was being done to what, and what came back.
	Work(ctx context.Context, job Job, desk Desk) error
}

// A Class says what an encoder costs, and where it runs. Encoders of the process make a key frame of each picture that has Force; children
// keep the rule by themselves.
type Class int

// The classes, in the order of preference for pictures as a sensor gives them. See rank.
const (
	HardwareInside Class = iota // in this process, by a device
	HardwareChild               // in a child process, by a device
	SoftwareInside              // in this process, by the processor
	SoftwareChild               // in a child process, by the processor
)

// Inside tells whether it runs in this process.
func (c Class) Inside() bool { return c == HardwareInside || c == SoftwareInside }

// Software tells whether the processor does the work.
func (c Class) Software() bool { return c == SoftwareInside || c == SoftwareChild }

// A Job is what an encoder shall do for one camera, as long as its pictures keep their shape.
type Job struct {
	Codec         camera.Codec // of what comes in
	Width, Height int          // of what comes in, in pixels: of raw pictures always, of JPEG where it is known already; else 0
	MaxHeight     int          // what comes out has at most so many lines: higher pictures are scaled down, lower ones never up; 0: no limit
	Bitrate       int          // bits/s, the most it may use; never 0
	Log           *zap.Logger  // of the camera
}

// Shrinks tells whether the pictures, of so many lines, have to be made smaller.
func (j Job) Shrinks(height int) bool { return j.MaxHeight > 0 && height > j.MaxHeight }

// A Desk is where an encoder gets its pictures and gives what it made of them. Once Work was left behind, it gives none and takes none.
type Desk interface {
	// Take waits for the next picture, which is borrowed until Take is called again, or until Work returns. It returns nil when there are no
	// more of this shape, or ctx ended. Call it from one goroutine. From Take to Take an encoder is busy; one that is busy for seconds hangs,
	// as does one that takes pictures and gives none.
	Take(ctx context.Context) *Frame
	// Emit hands out an access unit as a byte stream (ITU-T H.264 annex B), borrowed, with the timestamp of the picture it was made of, see
	// Frame.Timestamp. Parameter sets may be missing before key frames after the first. Call it from one goroutine at a time.
	Emit(unit []byte, timestamp uint32)
	// Skip counts a picture of which the encoder makes nothing, to keep within its bits or because it is damaged.
	Skip()
	// Meter says how to learn the processor time used so far. It is called by one goroutine at a time, also soon after Work has returned.
	Meter(used func() time.Duration)
}

// A Decoder is a Kind that can look at what encoders made.
type Decoder interface {
	// Shades decodes a byte stream and returns the brightness of the left and of the right half of its last picture, 0 to 255. The error wraps
	// ErrNoDecoder where there is nothing to decode with.
	Shades(ctx context.Context, stream []byte) (left, right int, err error)
}

// A Briefer is an error of Work that can be said in fewer words, for lists of encoders that were tried.
type Briefer interface {
	error
	Brief() string
}

// ErrNoDecoder says that there is nothing to decode with on this machine.
var ErrNoDecoder = errors.New("no decoder")

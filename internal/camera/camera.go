// Package camera says what a source of video is, and keeps one running.
//
// A source opens one camera and delivers its video as it comes: as RTP payloads where the camera speaks RTP or its pictures can be cut into
// them, so that what the room can show is passed through packet by packet. What the room cannot show is the business of the intake behind
// it. Each kind of source is a folder below this one; it knows nothing of its siblings, of leases or of rooms.
package camera

import "context"

// A Codec is a kind of video.
type Codec string

// The codecs that a source may deliver.
const (
	H264  Codec = "H.264"
	H265  Codec = "H.265"
	MJPEG Codec = "MJPEG"

	// Pictures as a sensor gives them, 8 bits a sample, without padding between lines.
	YUYV Codec = "YUYV" // 4:2:2, packed
	NV12 Codec = "NV12" // 4:2:0, Y, then U and V in turn
	I420 Codec = "I420" // 4:2:0, Y, then U, then V
)

// Raw tells whether pictures are as a sensor gives them.
func (c Codec) Raw() bool { return c == YUYV || c == NV12 || c == I420 }

// Size is how many bytes a raw picture has; both sides are even.
func (c Codec) Size(width, height int) int {
	if c == YUYV {
		return width * height * 2
	}
	return width * height * 3 / 2
}

// Single tells whether every picture stands alone, and a packet is one.
func (c Codec) Single() bool { return c == MJPEG || c.Raw() }

// A Format is what a camera says of its video before the first packet. It may be wrong.
type Format struct {
	Codec         Codec
	Sets          [][]byte // parameter sets announced apart from the pictures, as NAL units; may be nil, and what the camera gives may be no good
	Width, Height int      // of raw pictures, in pixels, both even; of others 0
}

// MaxPayload is the largest payload that leaves for the room, in bytes. LiveKit's SDK refuses anything larger, and with the headers of
// RTP, SRTP, UDP and IP it stays below the smallest MTU of IPv6 (1280).
const MaxPayload = 1200

// A Packet is a part of a picture, or all of it.
type Packet struct {
	// Payload is an RTP payload of H.264 (RFC 6184) or H.265 (RFC 7798) of any size, or of other codecs one whole picture: a JPEG file, or
	// all the samples. It is borrowed, see Receiver.
	Payload   []byte
	Timestamp uint32 // of the picture, 90 kHz, any origin, may wrap; the hub maps it to one steady clock
	Marker    bool   // the last packet of its picture, as far as the camera says
	Lost      int    // how many packets between the one before and this one were lost; 1 also where the camera began to count anew
}

// Parameters are the parameter sets of H.264; either may be nil.
type Parameters struct{ SPS, PPS []byte }

// A Receiver takes what a source delivers, from one goroutine, in order. It must not keep p.Payload: the source writes over it.
type Receiver interface {
	// Begin starts a new session of the camera: what came before and what comes next share neither clock nor references.
	Begin(Format)
	// Packet takes the next packet. It blocks no longer than it takes to hand the packet to the network.
	Packet(p Packet)
}

// An Intake makes of what a source delivers the video that leaves for the room.
type Intake interface {
	Receiver
	// Run does what must not hold up the source, such as transcoding. It runs beside every session of the source, and blocks until ctx
	// ends or the video turns out to be of no use; the error is then a *Fault that says why.
	Run(ctx context.Context) error
}

// A Source opens one camera and delivers its pictures.
type Source interface {
	// Run is one honest attempt: it opens the device, calls r.Begin once, delivers packets, and closes the device before it returns.
	// It blocks until ctx ends or the camera fails. The error says in plain words what was tried and found, without credentials; one
	// that wraps *Fault also says why in one word and what a person could do. After ctx ended the error is of no interest.
	Run(ctx context.Context, r Receiver) error
	// String names the camera's address for people, without credentials.
	String() string
}

// An Awaiter is a source that can tell when a device that was not there has come. Not every source is one.
type Awaiter interface {
	// Await is called after an attempt that ended as Unreachable. It blocks until the device comes, or ctx ends; where the device is there
	// already, it returns at once.
	Await(ctx context.Context)
}

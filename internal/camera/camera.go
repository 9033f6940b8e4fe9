// Package camera says what a source of video is, and keeps one running.
//
// A source opens one camera and delivers its H.264 as RTP payloads (RFC 6184), the form in which it leaves for the room, so that a camera
// that already speaks RTP is passed through packet by packet. A source that captures whole pictures cuts them into the same payloads.
// Each kind of source is a folder below this one; it knows nothing of its siblings, of leases or of rooms.
package camera

import "context"

// MaxPayload is the largest payload a source may deliver, in bytes. LiveKit's SDK refuses anything larger, and with the headers of
// RTP, SRTP, UDP and IP it stays below the smallest MTU of IPv6 (1280).
const MaxPayload = 1200

// A Packet is one RTP payload of a picture.
type Packet struct {
	Payload   []byte // RFC 6184: single NAL unit, STAP-A or FU-A, at most MaxPayload bytes; borrowed, see Receiver
	Timestamp uint32 // of the picture, 90 kHz, any origin, may wrap; the hub maps it to one steady clock
	Marker    bool   // the last packet of its picture
}

// Parameters are the parameter sets that a camera announced apart from its pictures; either may be nil.
type Parameters struct{ SPS, PPS []byte }

// A Receiver takes what a source delivers, from one goroutine, in order. It must not keep p.Payload: the source writes over it.
type Receiver interface {
	// Begin starts a new session of the camera: what came before and what comes next share neither clock nor references.
	Begin(Parameters)
	// Packet takes the next packet. It blocks no longer than it takes to hand the packet to the network.
	Packet(p Packet)
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

// Package publish puts the pictures of one camera into the room of its stream, and keeps them there.
package publish

import (
	"context"
	"errors"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A Publisher enters rooms. Each way of doing it is a folder below this one.
type Publisher interface {
	// Join enters the room of the grant and announces one track of this video; of the zero Format nothing is known but that it is H.264.
	// It blocks until packets written to the session go out, or fails within bounded time; what is left of an attempt that failed never
	// comes back to the room. The error has no token in it and wraps ErrGrant where the room refused the token, ErrCodec where it does
	// not take H.264.
	Join(ctx context.Context, grant overshoot.Grant, video h264.Format) (Session, error)
}

// ErrGrant says that the room does not take the token: a newer one is needed.
var ErrGrant = errors.New("the room refused the token")

// ErrCodec says that the room does not take the camera's video. What helps is done where the room is, by a person.
var ErrCodec = errors.New("the room does not take H.264")

// ErrReplaced ends a stay when somebody else joined as we did. Nobody but us has our tokens, so it was one of our own: a session or an
// attempt that was given up and that the room had not forgotten.
var ErrReplaced = errors.New("an earlier session of our own took our place in the room")

// ErrUnacknowledged ends a stay in which the room reported for a while what it received, and then no longer did, though we kept sending.
var ErrUnacknowledged = errors.New("the room no longer acknowledges our packets")

// ErrBroken ends a stay whose connection broke: the server or the way to it is gone, and nobody sent us away.
var ErrBroken = errors.New("the connection to the room broke")

// A Session is one stay in a room.
type Session interface {
	// Write sends a packet, which is free again when it returns. It does not wait for the network, except where the only way to the room is
	// a relay over TCP: there it blocks while that cannot send, even after Close. One goroutine at a time.
	Write(p camera.Packet)
	// KeyFrames has a value when the room has asked for a key frame since one was taken from it.
	KeyFrames() <-chan struct{}
	// Lost is closed when the stay ended otherwise than by Close; Err then says why: ErrReplaced, ErrUnacknowledged, ErrBroken, a
	// *guard.Panic of something that the room called, or any other error.
	Lost() <-chan struct{}
	Err() error
	// Close leaves the room. It blocks for a few seconds at most and may be called again.
	Close()
}

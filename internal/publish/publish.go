// Package publish puts the pictures of one camera into the room of its stream, and keeps them there.
package publish

import (
	"context"
	"errors"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A Publisher enters rooms. Each way of doing it is a folder below this one.
type Publisher interface {
	// Join enters the room of the grant and announces one H.264 track. It blocks until packets written to the session go out, or fails
	// within bounded time; what is left of an attempt that failed never comes back to the room. The error has no token in it and wraps
	// ErrGrant where the room refused the token.
	Join(ctx context.Context, grant overshoot.Grant) (Session, error)
}

// ErrGrant says that the room does not take the token: a newer one is needed.
var ErrGrant = errors.New("the room refused the token")

// ErrReplaced ends a stay when somebody else joined as we did. Nobody but us has our tokens, so it was one of our own: a session or an
// attempt that was given up and that the room had not forgotten.
var ErrReplaced = errors.New("an earlier session of our own took our place in the room")

// ErrUnacknowledged ends a stay in which the room reported for a while what it received, and then no longer did, though we kept sending.
var ErrUnacknowledged = errors.New("the room no longer acknowledges our packets")

// ErrBroken ends a stay whose connection broke: the server or the way to it is gone, and nobody sent us away.
var ErrBroken = errors.New("the connection to the room broke")

// A Session is one stay in a room.
type Session interface {
	// Write sends a packet. It does not block on the network, and the packet is free again when it returns. One goroutine at a time.
	Write(p camera.Packet)
	// Lost is closed when the stay ended otherwise than by Close; Err then says why: ErrReplaced, ErrUnacknowledged, ErrBroken, a
	// *guard.Panic of something that the room called, or any other error.
	Lost() <-chan struct{}
	Err() error
	// Close leaves the room. It blocks for a few seconds at most and may be called again.
	Close()
}

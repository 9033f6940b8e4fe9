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
	// within bounded time. The error has no token in it and wraps ErrGrant where the room refused the token.
	Join(ctx context.Context, grant overshoot.Grant) (Session, error)
}

// ErrGrant says that the room does not take the token: a newer one is needed.
var ErrGrant = errors.New("the room refused the token")

// A Session is one stay in a room.
type Session interface {
	// Write sends a packet. It does not block on the network, and the packet is free again when it returns. One goroutine at a time.
	Write(p camera.Packet)
	// Lost is closed when the stay ended otherwise than by Close; Err then says why.
	Lost() <-chan struct{}
	Err() error
	// Close leaves the room. It blocks for a few seconds at most and may be called again.
	Close()
}

// Package livekit publishes into LiveKit rooms with LiveKit's own SDK.
package livekit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
)

// joinTimeout bounds a whole Join. The SDK's own timeouts do not end a join whose server takes the websocket and then says nothing.
const joinTimeout = 15 * time.Second

// A Publisher joins rooms for one camera.
type Publisher struct {
	Metrics *publish.Metrics
	Scrub   func(string) string // the SDK puts whole tokens into its errors
}

// Join implements publish.Publisher.
func (p *Publisher) Join(ctx context.Context, grant overshoot.Grant, video h264.Format) (publish.Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("the room did not answer within %v", joinTimeout))
	defer cancel()
	if err := knock(ctx, grant.URL); err != nil {
		return nil, p.explain(err)
	}
	s, err := newSession(p.Metrics, video)
	if err != nil {
		return nil, err
	}
	joined := make(chan error, 1)
	go func() { joined <- guard.Run(func() error { return s.join(ctx, grant) }) }()
	select {
	case err = <-joined:
	case <-ctx.Done(): // join sees it too and leaves nothing behind, but may take a while
		err = ctx.Err()
	}
	if err != nil && ctx.Err() != nil { // what the SDK makes of its end is not the reason
		err = context.Cause(ctx)
	}
	if err == nil {
		err = s.waitBound(ctx)
	}
	if err != nil {
		s.Close()
		return nil, p.explain(err)
	}
	return s, nil
}

// explain turns an error of the SDK into one of ours without the token that it has in it.
func (p *Publisher) explain(err error) error {
	if _, panicked := errors.AsType[*guard.Panic](err); panicked {
		return err
	}
	if errors.Is(err, publish.ErrCodec) {
		return fmt.Errorf("joining the room: %w", err)
	}
	text := p.Scrub(err.Error())
	if strings.Contains(text, "unauthorized") { // the SDK's word for 401; the number may as well be part of a port
		return fmt.Errorf("joining the room: %w: %s", publish.ErrGrant, text)
	}
	return errors.New("joining the room: " + text)
}

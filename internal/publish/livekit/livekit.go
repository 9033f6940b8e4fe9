// Package livekit publishes into LiveKit rooms with LiveKit's own SDK.
package livekit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-logr/zapr"
	protocol "github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/pion/webrtc/v4"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// joinTimeout bounds a whole Join. The SDK's own timeouts do not end a join whose server takes the websocket and then says nothing.
const joinTimeout = 15 * time.Second

// A Publisher joins rooms for one camera.
type Publisher struct {
	Metrics *publish.Metrics
	Scrub   func(string) string // the SDK puts whole tokens into its errors
}

// Join implements publish.Publisher.
func (p *Publisher) Join(ctx context.Context, grant overshoot.Grant) (publish.Session, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, joinTimeout, fmt.Errorf("the room did not answer within %v", joinTimeout))
	defer cancel()
	s, err := newSession(p.Metrics)
	if err != nil {
		return nil, err
	}
	joined := make(chan error, 1)
	go func() { joined <- s.join(ctx, grant) }()
	select {
	case err = <-joined:
	case <-ctx.Done():
		// The SDK may hang for ever. Its goroutine is left to itself, and cleans up should it ever return.
		go func() { <-joined; s.Close() }()
		return nil, context.Cause(ctx)
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
	text := p.Scrub(err.Error())
	if strings.Contains(text, "unauthorized") || strings.Contains(text, "401") {
		return fmt.Errorf("joining the room: %w: %s", publish.ErrGrant, text)
	}
	return errors.New("joining the room: " + text)
}

// TakeLogs hands what the SDK and its WebRTC stack say to log, for the whole process: the SDK has one logger for all rooms. Call it once,
// before the first Join. All of it becomes debug: it is talkative, and what matters we say ourselves.
func TakeLogs(log *zap.Logger) {
	quiet := log.Named("livekit").WithOptions(zap.WrapCore(func(c zapcore.Core) zapcore.Core { return debugCore{c} }))
	l := logger.LogRLogger(zapr.NewLogger(quiet))
	lksdk.SetLogger(l)
	logger.SetLogger(l, "livekit")
}

// debugCore lowers every entry to debug.
type debugCore struct{ zapcore.Core }

func (c debugCore) Enabled(zapcore.Level) bool { return c.Core.Enabled(zapcore.DebugLevel) }

func (c debugCore) With(fields []zapcore.Field) zapcore.Core { return debugCore{c.Core.With(fields)} }

func (c debugCore) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(e.Level) {
		return ce
	}
	return ce.AddCore(e, c)
}

func (c debugCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	e.Level = zapcore.DebugLevel
	return c.Core.Write(e, fields)
}

// track is what we announce: one layer of H.264 as the camera makes it.
func track(opts ...lksdk.LocalTrackOptions) (*lksdk.LocalTrack, error) {
	return lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90_000}, opts...)
}

var publication = lksdk.TrackPublicationOptions{Name: "camera", Source: protocol.TrackSource_CAMERA}

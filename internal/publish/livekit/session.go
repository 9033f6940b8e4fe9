package livekit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
)

// resumeGrace is how long the SDK may try to mend a dropped connection with the token it has. Its quick tries fall into that time and keep
// the session; what they do not mend is left to the publisher loop, which has the newest token.
const resumeGrace = 2 * time.Second

// session is one stay in a room.
type session struct {
	metrics *publish.Metrics
	track   *lksdk.LocalTrack
	bound   chan struct{} // closed when packets go out for the first time
	packet  rtp.Packet    // used for every Write, so that none allocates

	mu     sync.Mutex
	room   *lksdk.Room
	closed bool
	resume *time.Timer // runs while the SDK tries to reconnect
	err    error
	lost   chan struct{}
}

func newSession(metrics *publish.Metrics) (*session, error) {
	s := &session{metrics: metrics, bound: make(chan struct{}), lost: make(chan struct{})}
	s.packet.Version = 2
	var err error
	if s.track, err = track(lksdk.WithRTCPHandler(s.onRTCP)); err != nil {
		return nil, fmt.Errorf("making the track: %w", err)
	}
	s.track.OnBind(sync.OnceFunc(func() { close(s.bound) }))
	return s, nil
}

// join enters the room and announces the track.
func (s *session) join(ctx context.Context, grant overshoot.Grant) error {
	room := lksdk.NewRoom(&lksdk.RoomCallback{
		OnDisconnectedWithReason: func(reason lksdk.DisconnectionReason) { s.lose(fmt.Errorf("the room ended our stay: %s", reason)) },
		OnReconnecting:           s.onReconnecting,
		OnReconnected:            s.onReconnected,
	})
	err := room.JoinWithContextAndToken(ctx, grant.URL, grant.Token,
		lksdk.WithAutoSubscribe(false), lksdk.WithConnectTimeout(joinTimeout/2))
	if err != nil {
		return err
	}
	if !s.enter(room) {
		room.Disconnect()
		return errors.New("closed while joining")
	}
	if _, err := room.LocalParticipant.PublishTrack(s.track, &publication); err != nil {
		return fmt.Errorf("announcing the track: %w", err)
	}
	return nil
}

func (s *session) enter(room *lksdk.Room) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.room = room
	return !s.closed
}

// waitBound waits until the room's answer is there and packets go out; what is written before is thrown away.
func (s *session) waitBound(ctx context.Context) error {
	select {
	case <-s.bound:
		return nil
	case <-s.lost:
		return s.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Write implements publish.Session.
func (s *session) Write(p camera.Packet) {
	s.packet.SequenceNumber++
	s.packet.Timestamp, s.packet.Marker, s.packet.Payload = p.Timestamp, p.Marker, p.Payload
	if err := s.track.WriteRTP(&s.packet, nil); err != nil {
		s.metrics.Failures.Inc()
		return
	}
	s.metrics.Packets.Inc()
}

// onRTCP hears what the room reports about our packets.
func (s *session) onRTCP(p rtcp.Packet) {
	report, ok := p.(*rtcp.ReceiverReport)
	if !ok || len(report.Reports) == 0 {
		return
	}
	s.metrics.Loss.Set(float64(report.Reports[0].FractionLost) / 256)
}

func (s *session) onReconnecting() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume == nil {
		s.resume = time.AfterFunc(resumeGrace, func() { s.lose(errors.New("the connection to the room broke")) })
	}
}

func (s *session) onReconnected() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.resume != nil {
		s.resume.Stop()
		s.resume = nil
	}
}

func (s *session) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.err != nil {
		return
	}
	s.err = err
	close(s.lost)
}

// Lost implements publish.Session.
func (s *session) Lost() <-chan struct{} { return s.lost }

// Err implements publish.Session.
func (s *session) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// closeTimeout bounds leaving a room whose server does not answer.
const closeTimeout = 2 * time.Second

// Close implements publish.Session.
func (s *session) Close() {
	s.mu.Lock()
	s.closed = true
	room := s.room
	s.room = nil
	if s.resume != nil {
		s.resume.Stop()
	}
	s.mu.Unlock()
	if room == nil {
		return
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		room.Disconnect()
	}()
	select {
	case <-left:
	case <-time.After(closeTimeout):
	}
}

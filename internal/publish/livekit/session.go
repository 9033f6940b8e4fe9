package livekit

import (
	"context"
	"fmt"
	"sync"
	"time"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// session is one stay in a room. The SDK calls it from goroutines of its own, and a panic there would end the process, so each such
// function is guarded and ends the stay instead.
type session struct {
	metrics *publish.Metrics
	video   h264.Format
	track   *lksdk.LocalTrack
	bound   chan struct{} // closed when packets go out for the first time
	keys    chan struct{} // has a value when the room asked for a key frame
	packet  rtp.Packet    // used for every Write, so that none allocates
	heard   acknowledgement

	mu     sync.Mutex
	room   *lksdk.Room // once it is entered
	closed bool
	mend   *mend // the SDK's attempt to reconnect, while there is one
	err    error
	lost   chan struct{}
}

func newSession(metrics *publish.Metrics, video h264.Format) (*session, error) {
	s := &session{metrics: metrics, video: video, bound: make(chan struct{}), keys: make(chan struct{}, 1), lost: make(chan struct{})}
	s.packet.Version = 2
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90_000, SDPFmtpLine: fmtp(video)}
	var err error
	if s.track, err = lksdk.NewLocalTrack(codec, lksdk.WithRTCPHandler(s.onRTCP)); err != nil {
		return nil, fmt.Errorf("making the track: %w", err)
	}
	bound := sync.OnceFunc(func() { close(s.bound) })
	s.track.OnBind(func() { s.guarded(bound) })
	return s, nil
}

// guarded runs f, which the SDK or a timer called, and ends the stay if it panics.
func (s *session) guarded(f func()) {
	defer guard.Catch(func(p *guard.Panic) { s.lose(p) })
	f()
}

// waitBound waits until the room's answer is there and packets go out; what is written before is thrown away.
func (s *session) waitBound(ctx context.Context) error {
	select {
	case <-s.bound:
		return nil
	case <-s.lost:
		return s.Err()
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
	if s.heard.sent(time.Now()) {
		s.lose(publish.ErrUnacknowledged)
	}
}

// onRTCP hears what the room says about our packets. The SDK's goroutine for it must not be held up.
func (s *session) onRTCP(p rtcp.Packet) {
	s.guarded(func() {
		switch p := p.(type) {
		case *rtcp.ReceiverReport:
			for _, r := range p.Reports {
				s.heard.received(r)
				s.metrics.Loss.Set(float64(r.FractionLost) / 256)
			}
		case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
			s.metrics.Keys.Inc()
			select {
			case s.keys <- struct{}{}:
			default: // it is asked for already
			}
		}
	})
}

// KeyFrames implements publish.Session.
func (s *session) KeyFrames() <-chan struct{} { return s.keys }

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

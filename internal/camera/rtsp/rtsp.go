// Package rtsp is the source for IP cameras: an RTSP client (RFC 2326) that takes the camera's H.264 as it comes.
package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

// timeout bounds connecting and every answer of the camera.
const timeout = 10 * time.Second

// Source is one RTSP camera.
type Source struct {
	url       *base.URL // with credentials; never printed
	transport string
}

// New returns the source for checked settings.
func New(c Config) *Source {
	u := *c.parsed
	if c.Username != "" || !c.Password.IsZero() {
		u.User = url.UserPassword(c.Username, c.Password.Reveal())
	}
	return &Source{url: (*base.URL)(&u), transport: c.Transport}
}

// String implements camera.Source.
func (s *Source) String() string { return place((*url.URL)(s.url)) }

// place is an address for people: no user, no password, and no query, where some cameras want the password.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Run implements camera.Source.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	client := s.client()
	if err := client.Start(); err != nil {
		return s.fault("connecting to", err)
	}
	defer client.Close() // sends TEARDOWN: a camera counts its sessions, and refuses new ones when we leave them open
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()

	session, _, err := client.Describe(s.url)
	if err != nil {
		return s.fault("asking", err)
	}
	media, h264Format, err := s.choose(session)
	if err != nil {
		return err
	}
	// Only the one video is set up: other media cost bandwidth, and a camera's talk-back channel would block its own button.
	if _, err := client.Setup(session.BaseURL, media, 0, 0); err != nil {
		return s.fault("setting up the video of", err)
	}
	r.Begin(camera.Parameters{SPS: h264Format.SPS, PPS: h264Format.PPS})
	var panicked atomic.Pointer[guard.Panic] // on the goroutine of the library that calls us
	client.OnPacketRTP(media, h264Format, guarded(forward(r), func(p *guard.Panic) {
		panicked.CompareAndSwap(nil, p)
		go client.Close() // waits for the goroutine we are on
	}))
	if _, err := client.Play(nil); err != nil {
		return s.fault("playing", err)
	}
	err = client.Wait()
	if p := panicked.Load(); p != nil {
		return p
	}
	return s.fault("reading", err)
}

func (s *Source) client() *gortsplib.Client {
	c := &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, ReadTimeout: timeout, WriteTimeout: timeout,
		UserAgent: "overshoot-agent", DisableRTCPSenderReports: true,
		// Single bad packets are part of life with cameras: what does not parse is counted by the hub or noticed by the watchdog.
		OnDecodeError: func(error) {}, OnPacketsLost: func(uint64) {},
	}
	switch s.transport {
	case "tcp":
		tcp := gortsplib.ProtocolTCP
		c.Protocol = &tcp
	case "udp":
		udp := gortsplib.ProtocolUDP
		c.Protocol = &udp
	}
	return c
}

// choose finds the H.264 video among what the camera offers.
func (s *Source) choose(session *description.Session) (*description.Media, *format.H264, error) {
	var found *format.H264
	if media := session.FindFormat(&found); media != nil {
		return media, found, nil
	}
	var offered []string
	for _, m := range session.Medias {
		for _, f := range m.Formats {
			offered = append(offered, strings.TrimPrefix(fmt.Sprintf("%T", f), "*format."))
		}
	}
	if len(offered) == 0 {
		offered = []string{"nothing"}
	}
	return nil, nil, &camera.Fault{
		Reason: camera.Codec,
		Err:    fmt.Errorf("%s offers %s, and no H.264", s, strings.Join(offered, ", ")),
		Advice: "set the camera's stream to H.264, or use the address of its second stream, which often is",
	}
}

// guarded hands panics of f to caught.
func guarded(f func(*rtp.Packet), caught func(*guard.Panic)) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		defer guard.Catch(caught)
		f(p)
	}
}

// forward hands each payload on, cut to size where the camera's packets are larger than the room takes.
func forward(r camera.Receiver) func(*rtp.Packet) {
	cutter := h264.NewCutter(camera.MaxPayload)
	var timestamp uint32
	var marker bool
	emit := func(part []byte, last bool) {
		r.Packet(camera.Packet{Payload: part, Timestamp: timestamp, Marker: marker && last})
	}
	return func(p *rtp.Packet) {
		timestamp, marker = p.Timestamp, p.Marker
		cutter.Cut(p.Payload, emit)
	}
}

// fault says in plain words what went wrong and what a person could do.
func (s *Source) fault(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := &camera.Fault{Err: fmt.Errorf("%s %s: %w", doing, s, err)}
	f.Reason, f.Advice = diagnose(err)
	return f
}

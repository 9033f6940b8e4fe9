package rtsp

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/pion/rtp"
)

// A visit is one connection to a camera, with at most one RTSP session in it.
type visit struct {
	source   *Source
	client   *gortsplib.Client
	mender   mender
	panicked atomic.Pointer[guard.Panic] // in a function of ours that the client called
}

func (s *Source) newVisit() *visit {
	v := &visit{source: s, mender: mender{keepalive: s.keepalive}}
	v.client = &gortsplib.Client{
		Scheme: s.url.Scheme, Host: s.url.Host, ReadTimeout: s.timeout, WriteTimeout: s.timeout,
		UserAgent: "overshoot-agent", // always one: some cameras answer 401 to requests without
		Protocol:  protocol(s.transport != UDP),
		// Some cameras do not say from which ports they send. A stranger who could fake the camera's address could fake its ports as well.
		AnyPortEnable:            true,
		DisableRTCPSenderReports: true,
		DialContext:              dial, DialTLSContext: s.tls.dial,
		OnRequest:  func(r *base.Request) { defer guard.Catch(v.caught); v.mender.request(r) },
		OnResponse: func(r *base.Response) { defer guard.Catch(v.caught); v.mender.response(r) },
		// Single bad packets are part of life with cameras: what does not parse is counted by the hub or noticed by the watchdog.
		OnDecodeError: func(error) {}, OnPacketsLost: func(uint64) {},
	}
	return v
}

func protocol(tcp bool) *gortsplib.Protocol {
	p := gortsplib.ProtocolUDP
	if tcp {
		p = gortsplib.ProtocolTCP
	}
	return &p
}

// caught takes a panic on the client's goroutine, and ends the visit.
func (v *visit) caught(p *guard.Panic) {
	v.panicked.CompareAndSwap(nil, p)
	go v.client.Close() // waits for the goroutine we are on
}

// run blocks until ctx ends or the camera fails.
func (v *visit) run(ctx context.Context, r camera.Receiver) error {
	if err := v.client.Start(); err != nil {
		return v.source.fault("connecting to", err)
	}
	defer v.client.Close() // sends TEARDOWN: a camera counts its sessions, and refuses new ones when we leave them open
	media, h264Format, err := v.describe(ctx)
	if err != nil {
		return err
	}
	settled := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-settled:
		case <-time.After(farewell):
		}
		v.client.Close()
	})
	defer stop()
	// Only the one video is set up: other media cost bandwidth, and a camera's talk-back channel would block its own button.
	err = v.setup(media)
	close(settled)
	if err != nil {
		return v.source.fault("setting up the video of", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.Begin(camera.Format{Codec: camera.H264, Sets: [][]byte{h264Format.SPS, h264Format.PPS}})
	v.client.OnPacketRTP(media.Media, h264Format, guarded(forward(r), v.caught))
	if _, err := v.client.Play(nil); err != nil {
		return v.source.fault("playing", err)
	}
	return v.source.fault("reading", v.client.Wait())
}

// offer is the video of a camera, and the address that its own counts from.
type offer struct {
	*description.Media
	base *base.URL
}

// describe asks what the camera offers. There is no session yet: when ctx ends the connection is simply closed.
func (v *visit) describe(ctx context.Context) (offer, *format.H264, error) {
	stop := context.AfterFunc(ctx, v.client.Close)
	defer stop()
	session, _, err := v.client.Describe(v.source.url)
	if v.mender.refused != nil {
		err = v.mender.refused
	}
	if err != nil {
		return offer{}, nil, v.source.fault("asking", err)
	}
	session.BaseURL = baseOf(session, v.mender.asked.URL)
	media, found, err := v.source.choose(session)
	return offer{media, session.BaseURL}, found, err
}

// setup starts the session. auto means TCP first, although RTSP grew up with UDP: on TCP nothing is lost, and it passes every firewall that let the
// request pass, whereas UDP that gets lost on the way is only noticed by waiting. A refusal of TCP costs one answer, on the same connection.
func (v *visit) setup(o offer) error {
	_, err := v.client.Setup(o.base, o.Media, 0, 0)
	refused, _ := errors.AsType[liberrors.ErrClientBadStatusCode](err)
	if v.source.transport != Auto || refused.Code != base.StatusUnsupportedTransport {
		return err
	}
	v.client.Protocol = protocol(false)
	_, err = v.client.Setup(o.base, o.Media, 0, 0)
	return err
}

// guarded hands panics of f to caught.
func guarded(f func(*rtp.Packet), caught func(*guard.Panic)) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		defer guard.Catch(caught)
		f(p)
	}
}

// forward hands each packet on.
func forward(r camera.Receiver) func(*rtp.Packet) {
	return func(p *rtp.Packet) {
		r.Packet(camera.Packet{Payload: p.Payload, Timestamp: p.Timestamp, Marker: p.Marker})
	}
}

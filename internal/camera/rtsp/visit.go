package rtsp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/pion/rtp"
)

// A visit is one connection to a camera, with at most one RTSP session in it.
type visit struct {
	source   *Source
	url      *base.URL // with credentials, unless a redirect led to it
	client   *gortsplib.Client
	mender   mender
	panicked atomic.Pointer[guard.Panic] // in a function of ours that the client called
}

func (s *Source) newVisit(to *base.URL) *visit {
	v := &visit{source: s, url: to, mender: mender{keepalive: s.keepalive, found: &s.found}}
	v.client = &gortsplib.Client{
		Scheme: to.Scheme, Host: to.Host, ReadTimeout: s.timeout, WriteTimeout: s.timeout,
		UserAgent: "overshoot-agent", // always one: some cameras answer 401 to requests without
		Protocol:  protocol(s.transport != UDP),
		// Some cameras do not say from which ports they send. A stranger who could fake the camera's address could fake its ports as well.
		AnyPortEnable:            true,
		DisableRTCPSenderReports: true,
		DialContext:              v.reached(dial), DialTLSContext: v.reached(s.tls.dial),
		OnRequest:  func(r *base.Request) { defer guard.Catch(v.caught); v.mender.request(r) },
		OnResponse: func(r *base.Response) { defer guard.Catch(v.caught); v.mender.response(r) },
		// Single bad packets are part of life with cameras. One that does not parse leaves a gap in the numbers, and so is counted.
		OnDecodeError: func(error) {}, OnPacketsLost: func(uint64) {},
	}
	return v
}

// reached lets the mender know whom a connection reached.
func (v *visit) reached(dial dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err == nil {
			v.mender.reached = conn.RemoteAddr()
		}
		return conn, err
	}
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
		return v.fault("connecting to", err)
	}
	defer v.client.Close() // sends TEARDOWN: a camera counts its sessions, and refuses new ones when we leave them open
	o, err := v.describe(ctx)
	if err != nil {
		return err
	}
	sets := o.sets(v.mender.sdp)
	v.chosen(o, sets)
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
	err = v.setup(o)
	close(settled)
	if err != nil {
		return v.fault("setting up the video of", err)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	v.settled()
	// With the answer to PLAY or the first packet, whichever is sooner: a camera may take longer for that answer than the watchdog allows
	// one that has begun, and may send before it answers.
	begin := sync.OnceFunc(func() { r.Begin(camera.Format{Codec: o.codec, Sets: sets}) })
	forward := forward(o.codec, r)
	v.client.OnPacketRTP(o.media, o.format, guarded(func(p *rtp.Packet) { begin(); forward(p) }, v.caught))
	if _, err := v.client.Play(nil); err != nil {
		return v.fault("playing", err)
	}
	begin()
	return v.fault("reading", v.client.Wait())
}

// describe asks what the camera offers. There is no session yet: when ctx ends the connection is simply closed.
func (v *visit) describe(ctx context.Context) (offer, error) {
	stop := context.AfterFunc(ctx, v.client.Close)
	defer stop()
	session, _, err := v.client.Describe(v.url)
	if v.mender.refused != nil {
		err = v.mender.refused
	}
	if err != nil {
		return offer{}, v.fault("asking", err)
	}
	session.BaseURL = baseOf(session, v.mender.asked.URL)
	v.offered(session)
	return v.source.choose(session)
}

// setup starts the session. auto means TCP first, although RTSP grew up with UDP: on TCP nothing is lost, and it passes every firewall that let the
// request pass, whereas UDP that gets lost on the way is only noticed by waiting. A refusal of TCP costs one answer, on the same connection.
func (v *visit) setup(o offer) error {
	_, err := v.client.Setup(o.base, o.media, 0, 0)
	refused, _ := errors.AsType[liberrors.ErrClientBadStatusCode](err)
	if v.source.transport != Auto || refused.Code != base.StatusUnsupportedTransport {
		return err
	}
	v.client.Protocol = protocol(false)
	_, err = v.client.Setup(o.base, o.media, 0, 0)
	return err
}

// fault is that of the source, unless only a redirect explains it.
func (v *visit) fault(doing string, err error) error {
	err = v.source.fault(doing, err)
	if f, ok := errors.AsType[*camera.Fault](err); ok && f.Reason == camera.Auth && v.url.Host != v.source.url.Host {
		f.Advice = fmt.Sprintf("it sent us on to %s, which wants a login; we do not give our password to another host than the url's: "+
			"if that one is yours, write its address in the url", place((*url.URL)(v.url)))
	}
	return err
}

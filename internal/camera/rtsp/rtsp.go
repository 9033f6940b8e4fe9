// Package rtsp is the source for IP cameras: an RTSP client (RFC 2326) that takes the camera's video as it comes.
//
// The client itself is gortsplib's. What it does not forgive, cameras do all the same; so this package stands between the two and corrects the
// camera's answers before the client reads them (mend.go, sdp.go, address.go), opens and closes its connections (dial.go, tls.go, orderly.go),
// chooses the video (media.go, sets.go), counts what got lost (sequence.go, forward.go), and says in plain words what it found (report.go) and why
// a camera cannot be used (diagnose.go).
package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// Source is one RTSP camera.
type Source struct {
	url       *base.URL // with credentials; never printed
	transport Transport
	timeout   time.Duration
	keepalive Keepalive
	tls       TLS
	found     findings
}

// New returns the source for checked settings.
func New(c Config) *Source {
	u := *c.parsed
	if c.Username != "" || !c.Password.IsZero() {
		u.User = url.UserPassword(c.Username, c.Password.Reveal())
	}
	s := &Source{
		url: (*base.URL)(&u), transport: c.Transport, timeout: time.Duration(c.Timeout), keepalive: c.Keepalive, tls: c.TLS,
	}
	s.found.secrets.Add(c.Password)
	return s
}

// String implements camera.Source.
func (s *Source) String() string { return place((*url.URL)(s.url)) }

// place is an address for people: no user, no password, and no query, where some cameras want the password.
func place(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Run implements camera.Source.
func (s *Source) Run(ctx context.Context, r camera.Receiver) error {
	s.found.restart()
	v := s.newVisit(s.url)
	for {
		err := v.run(ctx, r)
		switch p := v.panicked.Load(); {
		case p != nil:
			return p
		case v.mender.elsewhere == nil:
			return err
		}
		hops := v.mender.hops
		v = s.newVisit(v.mender.elsewhere)
		v.mender.hops = hops
	}
}

// fault says in plain words what went wrong and what a person could do.
func (s *Source) fault(doing string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	if known, ok := errors.AsType[*camera.Fault](err); ok {
		return &camera.Fault{Reason: known.Reason, Err: fmt.Errorf("%s %s: %w", doing, s, known.Err), Advice: known.Advice}
	}
	f := &camera.Fault{}
	f.Reason, f.Advice = s.diagnose(err)
	if errors.Is(err, io.EOF) {
		err = errors.New("the camera closed the connection")
	}
	f.Err = fmt.Errorf("%s %s: %w", doing, s, err)
	return f
}

package rtsp

import (
	"net"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/pion/rtp"
)

// What the tests of the parts need.
var (
	Understood   = understood
	Repaired     = repaired
	Rebased      = rebased
	Redirected   = redirected
	DiagnoseDial = diagnoseDial
	SetsOf       = setsOf
	Knock        = knock
)

// PacketPath is what a packet passes on its way from the client to the receiver.
func PacketPath(r camera.Receiver) func(*rtp.Packet) {
	return Path(camera.H264, r)
}

// Path is the same for a codec.
func Path(codec camera.Codec, r camera.Receiver) func(*rtp.Packet) {
	return guarded(forward(codec, r), func(p *guard.Panic) { panic(p) })
}

// Choose returns the video that is chosen.
func Choose(s *Source, session *description.Session) (*description.Media, camera.Codec, error) {
	o, err := s.choose(session)
	return o.media, o.codec, err
}

// Mended passes requests and answers through a fresh mender, as the client would.
func Mended(k Keepalive, exchanges ...Exchange) {
	m := mender{keepalive: k, found: &findings{}}
	for _, e := range exchanges {
		m.request(e.Request)
		m.response(e.Response)
	}
}

// An Exchange is a request and its answer.
type Exchange struct {
	Request  *base.Request
	Response *base.Response
}

// What is waited for, and how far.
const (
	MaxHops  = maxHops
	Farewell = farewell
	Silent   = silent
)

// Orderly wraps a connection.
func Orderly(c net.Conn) net.Conn { return newOrderly(c) }

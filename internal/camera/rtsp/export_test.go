package rtsp

import (
	"github.com/bluenviron/gortsplib/v5/pkg/base"
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
	Choose       = (*Source).choose
)

// PacketPath is what a packet passes on its way from the client to the receiver.
func PacketPath(r camera.Receiver) func(*rtp.Packet) {
	return guarded(forward(r), func(p *guard.Panic) { panic(p) })
}

// Mended passes requests and answers through a fresh mender, as the client would.
func Mended(k Keepalive, exchanges ...Exchange) {
	m := mender{keepalive: k}
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

// MaxHops is the number of redirects that are followed.
const MaxHops = maxHops

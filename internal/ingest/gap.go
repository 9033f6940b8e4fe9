package ingest

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"go.uber.org/zap"
)

// A reason says why pictures were left out; it labels the metric.
type reason string

// The closed list of reasons.
const (
	lost     reason = "lost"      // packets of them, or of one they refer to, were lost
	tooLarge reason = "too_large" // no camera's picture has so many bytes
)

func reasons() []reason { return []reason{lost, tooLarge} }

// complaint is the least time between two warnings.
const complaint = time.Minute

// state says what is to be done with parts.
type state uint8

const (
	sound   state = iota // they are passed on
	waiting              // they are left out: they refer to a picture that is damaged
	hoping               // parameter sets came, which cameras send before key frames; the next slice tells
)

// gap leaves out what nobody could decode: a picture of which something is missing, and all that refer to it. A decoder that gets them
// shows smeared pictures, which cannot be told from real ones.
type gap struct {
	log     *zap.Logger
	metrics *Metrics

	state   state
	why     reason
	inHand  bool // a part of a picture was passed on, and its end not yet
	sliced  bool // the picture in hand has a slice
	counted bool // a picture with this timestamp is among those left out
	at      uint32

	untold int       // pictures left out since the last warning
	told   time.Time // when that was
}

// begin starts a new session.
func (g *gap) begin() {
	g.tell()
	g.state, g.inHand, g.sliced, g.counted = sound, false, false, false
}

// open begins a gap. It reports whether a part of the picture in hand was passed on.
func (g *gap) open(why reason) (begun bool) {
	begun, g.counted, g.why = g.inHand, false, why
	if g.inHand && g.sliced {
		g.count()
		g.counted = true
	}
	g.state, g.inHand, g.sliced = waiting, false, false
	return begun
}

// withhold tells whether a part is to be left out, and whether what was passed on of its picture turns out to be of no use.
func (g *gap) withhold(p part) (withhold, broken bool) {
	first := g.note(p)
	switch {
	case g.state == sound:
	case p.content.Has(h264.IDR) && (g.state == hoping || p.content.Has(h264.FirstSlice)):
		g.state = sound
		g.tell()
	case p.content.Has(h264.Slice | h264.IDR):
		broken = g.state == hoping && g.inHand
		g.state, g.inHand = waiting, false
	case p.content.Has(h264.SPS | h264.PPS):
		g.state = hoping
	}
	if g.state != waiting {
		g.inHand = !p.place.Has(h264.Ends)
		return false, broken
	}
	if first && (!g.counted || g.at != p.timestamp || p.content.Has(h264.FirstSlice)) {
		g.count()
	}
	if first {
		g.counted, g.at = true, p.timestamp
	}
	return true, broken
}

// note tells whether a part has the first slice of its picture.
func (g *gap) note(p part) (first bool) {
	if p.place.Has(h264.Begins) {
		g.sliced = false
	}
	first = p.content.Has(h264.Slice|h264.IDR) && !g.sliced
	g.sliced = g.sliced || first
	if g.state == sound {
		g.at = p.timestamp
	}
	return first
}

func (g *gap) count() {
	g.metrics.dropped.WithLabelValues(string(g.why)).Inc()
	g.untold++
}

// tell warns, not too often, of pictures left out.
func (g *gap) tell() {
	if g.untold == 0 || time.Since(g.told) < complaint {
		return
	}
	advice := "set transport: tcp, over which nothing is lost; with tcp, look at the camera's load and at the network between"
	if g.why == tooLarge {
		advice = "set a lower bit rate on the camera"
	}
	g.log.Warn("pictures left out up to a key frame", zap.String("reason", string(g.why)), zap.Int("pictures", g.untold), zap.String("advice", advice))
	g.untold, g.told = 0, time.Now()
}

package media

import (
	"errors"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// A unit is one access unit that arrived.
type unit struct {
	nals [][]byte
	sps  []byte // in a key frame only
	key  bool
	at   time.Time // when its last packet arrived
	size int       // bytes

	width, height int // of the picture, where sps is there and makes sense
}

// maxBlank is the greatest width in pixels of the blank key frames that livekit-server makes up when a track is muted or
// ends. They were sent by nobody, so nobody is told of them.
const maxBlank = 16

// An assembler makes access units of packets that come in order. After a loss it drops what comes before the next key
// frame, for that would decode to a wrong picture.
type assembler struct {
	depacketizer *rtph264.Decoder
	needKey      bool
	latest       time.Time // arrival of the packets of the unit in hand
}

func newAssembler() *assembler {
	return &assembler{depacketizer: &rtph264.Decoder{PacketizationMode: 1}, needKey: true}
}

// reset forgets what is in hand, because packets are missing.
func (a *assembler) reset() {
	*a = *newAssembler()
}

// add takes the next packet and returns the unit that it completes. ok is false where it completes none; skipped says that
// it completed one that cannot be decoded.
func (a *assembler) add(packet arrival) (u unit, skipped, ok bool) {
	if len(packet.packet.Payload) == 0 { // padding, by which the server measures the line
		return unit{}, false, false
	}
	if packet.at.After(a.latest) {
		a.latest = packet.at
	}
	nals, err := a.depacketizer.Decode(packet.packet)
	if err != nil {
		if !errors.Is(err, rtph264.ErrMorePacketsNeeded) {
			skipped = !a.needKey
			a.reset()
		}
		return unit{}, skipped, false
	}
	u = newUnit(nals, a.latest)
	a.latest = time.Time{}
	if u.sps != nil && u.width <= maxBlank {
		return unit{}, false, false
	}
	if a.needKey && (!u.key || u.sps == nil) {
		return unit{}, true, false
	}
	a.needKey = false
	return u, false, true
}

func newUnit(nals [][]byte, at time.Time) unit {
	u := unit{nals: nals, at: at}
	for _, nal := range nals {
		u.size += len(nal)
		switch h264.NALUType(nal[0] & 0x1F) {
		case h264.NALUTypeIDR:
			u.key = true
		case h264.NALUTypeSPS:
			u.sps = nal
			var sps h264.SPS
			if err := sps.Unmarshal(nal); err == nil {
				u.width, u.height = sps.Width(), sps.Height()
			}
		}
	}
	return u
}

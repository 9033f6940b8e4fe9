package testcamera

import (
	"cmp"

	"github.com/bluenviron/gortsplib/v5/pkg/format"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// payloadType of all but MJPEG, whose own is fixed (RFC 3551 section 6).
const payloadType = 96

// says is the codec in the SDP.
func (c Camera) says() clip.Codec { return cmp.Or(c.Says, c.Clip.Codec) }

// format returns what the SDP says of the camera. Parameter sets under the name of another codec make no sense, and are left out.
func (c Camera) format() format.Format {
	var vps, sps, pps []byte
	if c.says() == c.Clip.Codec && c.Sets != SetsInBand {
		vps, sps, pps = c.announced(c.Clip.VPS), c.announced(c.Clip.SPS), c.announced(c.Clip.PPS)
	}
	switch c.says() {
	case clip.H265:
		return &format.H265{PayloadTyp: payloadType, VPS: vps, SPS: sps, PPS: pps}
	case clip.MJPEG:
		return &format.MJPEG{}
	case VP8:
		return &format.VP8{PayloadTyp: payloadType}
	default:
		return &format.H264{PayloadTyp: payloadType, SPS: sps, PPS: pps, PacketizationMode: 1}
	}
}

// announced is a parameter set as the SDP has it.
func (c Camera) announced(set []byte) []byte {
	if c.Sets == SetsAnnexB {
		return append([]byte{0, 0, 0, 1}, set...)
	}
	return set
}

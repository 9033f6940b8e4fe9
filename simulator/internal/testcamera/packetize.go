package testcamera

import (
	"github.com/pion/rtp"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpmjpeg"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// A packetizer cuts one picture into RTP packets.
type packetizer func(nals [][]byte) ([]*rtp.Packet, error)

func (c Camera) packetizer() (packetizer, error) {
	switch c.Clip.Codec {
	case clip.H265:
		encoder := &rtph265.Encoder{PayloadType: payloadType, PayloadMaxSize: c.PayloadSize}
		return encoder.Encode, encoder.Init()
	case clip.MJPEG:
		encoder := &rtpmjpeg.Encoder{PayloadMaxSize: c.PayloadSize}
		return func(nals [][]byte) ([]*rtp.Packet, error) { return encoder.Encode(nals[0]) }, encoder.Init()
	default:
		encoder := &rtph264.Encoder{PayloadType: payloadType, PayloadMaxSize: c.PayloadSize, PacketizationMode: 1}
		if c.Unaggregated {
			return oneByOne(encoder.Encode), encoder.Init()
		}
		return encoder.Encode, encoder.Init()
	}
}

// oneByOne packetizes each NAL unit apart from the others.
func oneByOne(each packetizer) packetizer {
	return func(nals [][]byte) (all []*rtp.Packet, err error) {
		for i := range nals {
			packets, err := each(nals[i : i+1])
			if err != nil {
				return nil, err
			}
			for _, packet := range packets {
				packet.Marker = packet.Marker && i == len(nals)-1
			}
			all = append(all, packets...)
		}
		return all, nil
	}
}

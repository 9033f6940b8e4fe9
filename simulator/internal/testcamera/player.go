package testcamera

import (
	"math/rand/v2"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/pion/rtp"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// clockRate is the RTP clock of video in Hz (RFC 6184 §8.2.1).
const clockRate = 90000

// play sends a picture at every tick of the camera's clock until stop is closed. While the camera is stalled the clock
// runs on but the clip waits, so no picture is lost by a stall.
func (c *camera) play(stop <-chan struct{}) {
	if !c.plays() {
		return
	}
	packetizer := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: c.PayloadSize, PacketizationMode: 1}
	if err := packetizer.Init(); err != nil {
		panic(err) // PacketizationMode is right
	}
	start, first := time.Now(), rand.Uint32()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for tick := int64(0); ; tick++ {
		due := start.Add(time.Duration(tick) * time.Second / time.Duration(c.Clip.FPS))
		timer.Reset(time.Until(due))
		select {
		case <-stop:
			return
		case <-timer.C:
			c.sendNext(packetizer, first+uint32(tick*clockRate/int64(c.Clip.FPS)))
		}
	}
}

// sendNext sends the next picture of the clip, if the camera is not stalled.
func (c *camera) sendNext(packetizer *rtph264.Encoder, timestamp uint32) {
	c.mutex.Lock()
	next, stalled := c.frames, c.stalled
	c.mutex.Unlock()
	if stalled {
		return
	}
	packets, err := packetizer.Encode(c.nalsToSend(c.Clip.Units[next%len(c.Clip.Units)]))
	if err != nil {
		panic(err) // a NAL unit larger than RTP can carry: no clip of ours has one
	}
	c.write(packets, timestamp)
	c.mutex.Lock()
	c.frames++
	c.mutex.Unlock()
}

func (c *camera) write(packets []*rtp.Packet, timestamp uint32) {
	for _, packet := range packets {
		packet.Timestamp = timestamp
		// The only error is that of a closed stream, and play is about to hear of that.
		_ = c.stream.WritePacketRTP(c.media, packet)
	}
}

// nalsToSend returns the NAL units of a picture, without parameter sets where the camera sends none.
func (c *camera) nalsToSend(unit clip.Unit) [][]byte {
	if !c.NoInBandParameterSets || !unit.Key {
		return unit.NALs
	}
	var kept [][]byte
	for _, nal := range unit.NALs {
		if kind := h264.NALUType(nal[0] & 0x1F); kind != h264.NALUTypeSPS && kind != h264.NALUTypePPS {
			kept = append(kept, nal)
		}
	}
	return kept
}

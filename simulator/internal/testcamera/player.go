package testcamera

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
)

// clockRate is the RTP clock of video in Hz (RFC 6184 §8.2.1).
const clockRate = 90000

// tardy is by how much a picture may be late and still be sent after the others. Beyond it the process stood still, or was stopped; cameras do
// not make up for that.
const tardy = time.Second

// play sends a picture at every tick of the camera's clock until stop is closed. While the camera is stalled the clock
// runs on but the clip waits, so no picture is lost by a stall.
func (c *camera) play(packetize packetizer, stop <-chan struct{}) {
	start, first := time.Now(), rand.Uint32()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for tick := int64(0); ; tick++ {
		due := start.Add(time.Duration(tick) * time.Second / time.Duration(c.Clip.FPS))
		if late := time.Since(due); late > tardy {
			tick += int64(late * time.Duration(c.Clip.FPS) / time.Second)
			continue
		}
		timer.Reset(time.Until(due))
		select {
		case <-stop:
			return
		case <-timer.C:
			c.sendNext(packetize, tick, first)
		}
	}
}

// sendNext sends the next picture of the clip, if the camera is not stalled.
func (c *camera) sendNext(packetize packetizer, tick int64, first uint32) {
	c.mutex.Lock()
	next, stalled := c.frames, c.stalled
	c.mutex.Unlock()
	if stalled {
		return
	}
	at := next % len(c.Clip.Units)
	unit := c.Clip.Units[at]
	packets, err := packetize(c.nalsToSend(unit))
	if err != nil {
		panic(err) // a NAL unit larger than RTP can carry: no clip of ours has one
	}
	// RTP timestamps are of the moment when a picture is shown (RFC 6184 section 5.1), which for B-frames is not when it is sent.
	shown := tick + int64(unit.Shown-at)
	c.write(packets, first+c.leap(next)+uint32(shown*clockRate/int64(c.Clip.FPS)))
	c.mutex.Lock()
	c.frames++
	c.mutex.Unlock()
}

// leap is by how much the RTP clock is wrong at a picture.
func (c *camera) leap(picture int) uint32 {
	if !c.WildClock {
		return 0
	}
	hours := [...]int64{0, 1, -1, 0, -2, -1}
	return uint32(hours[picture/50%len(hours)] * 3600 * clockRate)
}

// untidy returns the packets twice and out of order.
func untidy(packets []*rtp.Packet) (all []*rtp.Packet) {
	for pair := range slices.Chunk(packets, 2) {
		slices.Reverse(pair)
		all = append(append(all, pair...), pair...)
	}
	return all
}

func (c *camera) write(packets []*rtp.Packet, timestamp uint32) {
	_, _, stream, _ := c.access()
	if c.Untidy {
		packets = untidy(packets)
	}
	for _, packet := range packets {
		packet.Timestamp = timestamp
		packet.Marker = c.Markers == MarkersAll || c.Markers == MarkersLast && packet.Marker
		// The only error is that of a closed stream, and play is about to hear of that.
		_ = stream.WritePacketRTP(c.media, packet)
	}
}

// nalsToSend returns the NAL units of a picture, without parameter sets where the camera sends none.
func (c *camera) nalsToSend(unit clip.Unit) [][]byte {
	if !unit.Key || c.Sets == SetsEverywhere || c.Sets == SetsInBand {
		return unit.NALs
	}
	var kept [][]byte
	for _, nal := range unit.NALs {
		if c.Clip.SetOf(nal) == "" {
			kept = append(kept, nal)
		}
	}
	return kept
}

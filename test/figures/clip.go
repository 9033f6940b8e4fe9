package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

const (
	picturesPerSecond = 30
	clockRate         = 90_000
	payloadType       = 96
)

// A clip is what the cameras play, cut into RTP packets once and for all of them. It is only read.
type clip struct {
	sps, pps []byte
	pictures [][]packet
	packets  int // of all pictures
	bytes    int // of their payloads
}

// A packet is one of a clip, and its number in it.
type packet struct {
	*rtp.Packet
	number int
}

// loadClip reads an Annex-B file with one slice per picture, and packs it into payloads of at most so many bytes.
func loadClip(path string, payload int) (*clip, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	packer := &rtph264.Encoder{PayloadType: payloadType, PayloadMaxSize: payload, PacketizationMode: 1}
	if err := packer.Init(); err != nil {
		return nil, err
	}
	c := &clip{}
	var units [][]byte
	h264.EachAnnexB(raw, func(unit []byte) {
		units = append(units, unit)
		switch kind := unit[0] & 0x1f; kind {
		case 7:
			c.sps = unit
		case 8:
			c.pps = unit
		case h264.TypeSlice, h264.TypeIDR: // ends the picture
			err = errors.Join(err, c.add(packer, units))
			units = nil
		}
	})
	if err == nil && (c.sps == nil || c.pps == nil || len(c.pictures) == 0) {
		err = errors.New("no pictures or no parameter sets in it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

func (c *clip) add(packer *rtph264.Encoder, units [][]byte) error {
	packets, err := packer.Encode(units)
	if err != nil {
		return err
	}
	var picture []packet
	for _, p := range packets {
		picture = append(picture, packet{p, c.packets})
		c.packets++
		c.bytes += len(p.Payload)
	}
	c.pictures = append(c.pictures, picture)
	return nil
}

// rate is what one camera sends, in packets and megabits (10⁶) of payload per second.
func (c *clip) rate() (packets, megabits float64) {
	seconds := float64(len(c.pictures)) / picturesPerSecond
	return float64(c.packets) / seconds, float64(c.bytes) * 8 / 1e6 / seconds
}

// format is what the cameras announce.
func (c *clip) format() format.Format {
	return &format.H264{PayloadTyp: payloadType, SPS: c.sps, PPS: c.pps, PacketizationMode: 1}
}

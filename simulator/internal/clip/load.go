package clip

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// A Clip is a loaded clip. It is only read, so any number of cameras may share it.
type Clip struct {
	Width, Height int
	FPS           int
	SPS, PPS      []byte // of the first key frame
	Units         []Unit // in the order of time
}

// A Unit is one access unit: the coded form of one picture.
type Unit struct {
	NALs [][]byte // without start codes
	Key  bool     // an IDR picture
}

// Load reads a clip that Make made.
func Load(path string) (*Clip, error) {
	stream, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("loading clip: %w", err)
	}
	clip := &Clip{Units: splitUnits(splitNALs(stream))}
	if err := clip.describe(); err != nil {
		return nil, fmt.Errorf("loading clip %s: %w", path, err)
	}
	return clip, nil
}

// describe fills in what the parameter sets say.
func (c *Clip) describe() error {
	if len(c.Units) == 0 || !c.Units[0].Key {
		return errors.New("it does not begin with a key frame")
	}
	for _, nal := range c.Units[0].NALs {
		switch h264.NALUType(nal[0] & 0x1F) {
		case h264.NALUTypeSPS:
			c.SPS = nal
		case h264.NALUTypePPS:
			c.PPS = nal
		}
	}
	var sps h264.SPS
	if err := sps.Unmarshal(c.SPS); err != nil {
		return fmt.Errorf("sequence parameter set: %w", err)
	}
	c.Width, c.Height, c.FPS = sps.Width(), sps.Height(), int(sps.FPS()+0.5)
	if c.FPS < 1 || len(c.PPS) == 0 {
		return errors.New("no frame rate or no picture parameter set in it")
	}
	return nil
}

// splitNALs cuts an Annex-B stream at its start codes. The NAL units share the memory of stream; empty ones are left out.
func splitNALs(stream []byte) [][]byte {
	startCode := []byte{0, 0, 1}
	_, stream, found := bytes.Cut(stream, startCode)
	var nals [][]byte
	for found {
		var nal []byte
		nal, stream, found = bytes.Cut(stream, startCode)
		// A NAL unit never ends with a zero byte: those belong to a long start code or are padding.
		if nal = bytes.TrimRight(nal, "\x00"); len(nal) > 0 {
			nals = append(nals, nal)
		}
	}
	return nals
}

// splitUnits groups NAL units by picture (ITU-T H.264 7.4.1.2.3, as far as a stream without redundant or auxiliary pictures needs it).
func splitUnits(nals [][]byte) []Unit {
	var units []Unit
	complete := false // the unit in hand has its picture; the next NAL unit that can begin another one does
	for _, nal := range nals {
		kind := h264.NALUType(nal[0] & 0x1F)
		isSlice := kind == h264.NALUTypeNonIDR || kind == h264.NALUTypeIDR
		// A first_mb_in_slice of 0 is the single bit 1 that leads the slice header.
		firstSlice := isSlice && len(nal) > 1 && nal[1]&0x80 != 0
		if len(units) == 0 || complete && (!isSlice || firstSlice) {
			units = append(units, Unit{})
			complete = false
		}
		unit := &units[len(units)-1]
		unit.NALs = append(unit.NALs, nal)
		unit.Key = unit.Key || kind == h264.NALUTypeIDR
		complete = complete || isSlice
	}
	return units
}

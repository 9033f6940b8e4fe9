package clip

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// A Clip is a loaded clip. It is only read, so any number of cameras may share it.
type Clip struct {
	Codec         Codec
	FPS           int
	VPS, SPS, PPS []byte // of the first key frame; VPS of H265 only, and MJPEG has none of them
	Units         []Unit // in the order in which they are sent
}

// A Unit is one access unit: the coded form of one picture.
type Unit struct {
	NALs  [][]byte // without start codes; one whole JPEG file where the codec is MJPEG
	Key   bool     // it can be decoded alone, and nothing after it refers to what came before it
	Shown int      // its place in the order in which pictures are shown
}

// Load reads a clip that Make made.
func Load(path string, spec Spec) (*Clip, error) {
	stream, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("loading clip: %w", err)
	}
	clip := &Clip{Codec: spec.codec(), FPS: spec.FPS}
	switch clip.Codec {
	case MJPEG:
		clip.Units = splitJPEGs(stream)
	case H265:
		clip.Units = splitUnits(splitNALs(stream), lookH265)
	default:
		clip.Units = splitUnits(splitNALs(stream), lookH264)
	}
	if err := clip.describe(); err != nil {
		return nil, fmt.Errorf("loading clip %s: %w", path, err)
	}
	return clip, nil
}

// describe notes the parameter sets and the order of the pictures.
func (c *Clip) describe() error {
	if len(c.Units) == 0 || !c.Units[0].Key {
		return errors.New("it does not begin with a key frame")
	}
	for _, nal := range c.Units[0].NALs {
		switch c.SetOf(nal) {
		case "VPS":
			c.VPS = nal
		case "SPS":
			c.SPS = nal
		case "PPS":
			c.PPS = nal
		}
	}
	if c.Codec != MJPEG && (len(c.SPS) == 0 || len(c.PPS) == 0 || len(c.VPS) == 0 && c.Codec == H265) {
		return errors.New("parameter sets are missing")
	}
	order(c.Units, c.Codec)
	return nil
}

// SetOf names the parameter set that a NAL unit is, "" where it is none.
func (c *Clip) SetOf(nal []byte) string {
	switch c.Codec {
	case H264:
		return map[byte]string{7: "SPS", 8: "PPS"}[nal[0]&0x1f]
	case H265:
		return map[byte]string{32: "VPS", 33: "SPS", 34: "PPS"}[nal[0]>>1&0x3f]
	default:
		return ""
	}
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

// splitJPEGs cuts a row of JPEG files. Inside one, a byte 0xff of the picture is followed by 0x00, so the end marker stands at its end only.
func splitJPEGs(stream []byte) (units []Unit) {
	end := []byte{0xff, 0xd9}
	for file := range bytes.SplitAfterSeq(stream, end) {
		if bytes.HasPrefix(file, []byte{0xff, 0xd8}) && bytes.HasSuffix(file, end) {
			units = append(units, Unit{NALs: [][]byte{file}, Key: true})
		}
	}
	return units
}

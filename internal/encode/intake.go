package encode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// NAL unit types (ITU-T H.264 table 7-1, H.265 table 7-1).
const (
	h264IDR = 5
	h264SPS = 7
	h264PPS = 8

	h265FirstIRAP = 16
	h265LastIRAP  = 23
	h265VPS       = 32
	h265SPS       = 33
	h265PPS       = 34
)

// intake makes frames of pictures. It belongs to the goroutine that calls Write.
type intake struct {
	codec  camera.Codec
	clock  clock
	sets   [][]byte // the newest parameter sets
	format []byte   // what decides the size of pictures, as it stood in the newest that said
	shape  shape
}

// begin starts a new session of the camera: its clock is another, and what it announces counts.
func (in *intake) begin(f camera.Format) {
	in.clock = clock{}
	if in.codec.Raw() {
		in.learn(fmt.Append(nil, f.Width, "x", f.Height), f.Width, f.Height)
	}
	if len(f.Sets) > 0 {
		in.keep(f.Sets)
	}
}

// fill makes f the frame of p. It reports false when there is no picture in p, or a raw one of a size that was not announced.
func (in *intake) fill(f *Frame, p Picture) bool {
	f.reset()
	if in.codec.Single() {
		in.fillSingle(f, p)
	} else {
		in.fillUnits(f, p)
	}
	size := len(f.Data())
	if size == 0 || in.codec.Raw() && size != in.codec.Size(in.shape.width, in.shape.height) {
		return false
	}
	f.arrived = time.Now()
	f.shape = in.shape
	f.Ticks = in.clock.ticks(p.Timestamp, f.arrived)
	return true
}

func (in *intake) fillSingle(f *Frame, p Picture) {
	f.key = true
	for _, part := range p.Units {
		f.bytes = append(f.bytes, part...)
	}
	if in.codec == camera.MJPEG {
		if size := jpegSize(f.Data()); size != nil {
			in.learn(size, int(binary.BigEndian.Uint16(size[2:])), int(binary.BigEndian.Uint16(size)))
		}
	}
}

func (in *intake) fillUnits(f *Frame, p Picture) {
	f.key = false
	var sets [][]byte
	for _, unit := range p.Units {
		key, set := in.look(unit)
		f.key = f.key || key
		if set {
			sets = append(sets, unit)
		}
	}
	if len(sets) > 0 {
		in.keep(sets)
	} else if f.key { // a child that starts with this picture knows no others
		f.appendUnits(in.sets)
	}
	f.appendUnits(p.Units)
}

// look tells whether a unit belongs to a key frame, and whether it is a parameter set.
func (in *intake) look(unit []byte) (key, set bool) {
	switch {
	case len(unit) == 0:
		return false, false
	case in.codec == camera.H265:
		kind := unit[0] >> 1 & 0x3f
		return kind >= h265FirstIRAP && kind <= h265LastIRAP, kind >= h265VPS && kind <= h265PPS
	default:
		kind := unit[0] & 0x1f
		return kind == h264IDR, kind == h264SPS || kind == h264PPS
	}
}

// keep remembers the parameter sets of a picture. Cameras send all of them or none; one that sends only some replaces those of their kind.
func (in *intake) keep(sets [][]byte) {
	kept := make([][]byte, 0, len(sets)+len(in.sets))
	for _, old := range in.sets {
		if !in.hasKind(sets, in.kind(old)) {
			kept = append(kept, old)
		}
	}
	var format []byte
	for _, set := range sets {
		kept = append(kept, bytes.Clone(set))
		if k := in.kind(set); k == h264SPS || k == h265SPS {
			format = append(format, set...)
		}
	}
	in.sets = kept
	in.learn(format, 0, 0) // what size that is, the decoder finds out
}

func (in *intake) kind(unit []byte) byte {
	if len(unit) == 0 {
		return 0
	}
	if in.codec == camera.H265 {
		return unit[0] >> 1 & 0x3f
	}
	return unit[0] & 0x1f
}

func (in *intake) hasKind(units [][]byte, kind byte) bool {
	for _, u := range units {
		if in.kind(u) == kind {
			return true
		}
	}
	return false
}

// learn counts a change of format: encoders cannot change the size of their pictures, so a new one is needed.
func (in *intake) learn(format []byte, width, height int) {
	if len(format) == 0 || bytes.Equal(format, in.format) {
		return
	}
	in.format = append(in.format[:0], format...)
	in.shape = shape{in.shape.count + 1, width, height}
}

// jpegSize returns the bytes that say height and width in a JPEG's frame header (ITU-T T.81 section B.2.2), or nil.
func jpegSize(file []byte) []byte {
	for at := 2; at+9 <= len(file) && file[at] == 0xff; {
		marker, length := file[at+1], int(binary.BigEndian.Uint16(file[at+2:]))
		switch {
		case marker == 0xff: // padding
			at++
		case marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc:
			return file[at+5 : at+9]
		default:
			at += 2 + length
		}
	}
	return nil
}

package file

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// A track is the video of an MP4.
type track struct {
	id      uint64
	video   bool
	codec   camera.Codec // "" of one that we do not take
	name    string       // of the codec, as the file has it
	scale   uint64       // ticks per second
	prefix  int          // bytes of the length before each unit
	sets    [][]byte
	samples tables

	// Of samples in fragments that do not say it themselves.
	usualDuration, usualSize uint64
}

// parseTrack reads a trak box (ISO/IEC 14496-12 section 8.3).
func parseTrack(body []byte) (t track, err error) {
	var walk func(b box) error
	walk = func(b box) error {
		r := reader{rest: b.body}
		switch b.kind {
		case "mdia", "minf", "stbl":
			return boxes(b.body, walk)
		case "tkhd":
			r.bytes(versioned(r.number(1), 11, 19))
			t.id = r.number(4)
		case "mdhd":
			r.bytes(versioned(r.number(1), 11, 19))
			t.scale = r.number(4)
		case "hdlr":
			r.bytes(8)
			t.video = t.video || string(r.bytes(4)) == "vide" // MOV has other handlers as well
		case "stsd":
			r.bytes(8)
			return boxes(r.rest, t.entry)
		default:
			t.samples.take(b)
		}
		if r.short {
			return errMP4
		}
		return nil
	}
	err = boxes(body, walk)
	return t, err
}

// versioned is the number of bytes to pass over, which depends on the version of a box.
func versioned(version uint64, short, long int) int {
	if version == 1 {
		return long
	}
	return short
}

// entry reads the description of the samples (section 8.5.2, and ISO/IEC 14496-15 sections 5.4 and 8.4). Where there are several, the first
// that is for us counts.
func (t *track) entry(b box) error {
	const visual = 78 // bytes before the boxes inside
	if t.codec != "" || len(b.body) < visual {
		return nil
	}
	t.name = b.kind
	switch b.kind {
	case "avc1", "avc3", "hvc1", "hev1":
	default:
		return nil
	}
	return boxes(b.body[visual:], func(b box) error {
		r := reader{rest: b.body}
		switch b.kind {
		case "avcC":
			t.codec = camera.H264
			t.describe264(&r)
		case "hvcC":
			t.codec = camera.H265
			t.describe265(&r)
		}
		if r.short {
			return errMP4
		}
		return nil
	})
}

// describe264 reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1).
func (t *track) describe264(r *reader) {
	r.bytes(4)
	t.prefix = int(r.number(1)&3) + 1
	t.take(r, r.number(1)&0x1f)
	t.take(r, r.number(1))
}

// describe265 reads an HEVCDecoderConfigurationRecord (section 8.3.3.1).
func (t *track) describe265(r *reader) {
	r.bytes(21)
	t.prefix = int(r.number(1)&3) + 1
	for range r.number(1) {
		r.bytes(1)
		t.take(r, r.number(2))
	}
}

// take reads parameter sets.
func (t *track) take(r *reader, n uint64) {
	for range n {
		set := r.bytes(int(r.number(2)))
		if r.short {
			return
		}
		if len(set) > 0 {
			t.sets = append(t.sets, set)
		}
	}
}

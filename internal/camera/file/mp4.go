package file

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"slices"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const maxPicture = 8 << 20

// An mp4 reads the first video of an MP4 or MOV file.
type mp4 struct {
	in      io.ReaderAt
	track   track
	samples interface {
		next() (sample, bool, error)
	}
	growing bool // it may end anywhere: its fragments were perhaps not all written
	data    []byte
	units   [][]byte
}

// newMP4 reads the index of a file.
func newMP4(f *os.File) (clip, error) {
	index, end, err := findIndex(f)
	if err != nil {
		return nil, err
	}
	m := &mp4{in: f}
	others, err := m.choose(index)
	switch {
	case err != nil:
		return nil, err
	case m.track.codec == "" && len(others) == 0:
		return nil, noVideo("the MP4 holds no video")
	case m.track.codec == "":
		return nil, unusable(f.Name(), fmt.Sprintf("the MP4 holds no H.264 or H.265 (its video: %q)", others))
	}
	m.samples = &m.track.samples
	if m.growing {
		m.samples = &fragments{in: f, track: &m.track, at: end}
	}
	return m, nil
}

// choose takes the first video that is for us, and returns the codecs of others.
func (m *mp4) choose(index []byte) (others []string, err error) {
	usual := map[uint64][2]uint64{}
	fragmented := false
	err = boxes(index, func(b box) error {
		switch b.kind {
		case "trak":
			t, err := parseTrack(b.body)
			switch {
			case err != nil:
				return err
			case m.track.codec == "" && t.video && t.codec != "" && t.scale > 0:
				m.track = t
			case t.video:
				others = append(others, t.name)
			}
		case "mvex":
			fragmented = true
			return boxes(b.body, func(b box) error { defaults(b, usual); return nil })
		}
		return nil
	})
	m.growing = fragmented && m.track.samples.count == 0
	m.track.usualDuration, m.track.usualSize = usual[m.track.id][0], usual[m.track.id][1]
	return others, err
}

// defaults reads what fragments say no more (section 8.8.3).
func defaults(b box, usual map[uint64][2]uint64) {
	if b.kind == "trex" {
		r := reader{rest: b.body}
		r.bytes(4)
		id := r.number(4)
		r.bytes(4)
		usual[id] = [2]uint64{r.number(4), r.number(4)}
	}
}

// findIndex reads the moov box, which may stand at either end of a file, and returns where it ends.
func findIndex(f *os.File) (index []byte, end int64, err error) {
	for at := int64(0); ; {
		p, err := nextBox(f, at)
		if errors.Is(err, io.EOF) {
			return nil, 0, &camera.Fault{
				Reason: camera.WrongCodec, Err: errors.New("the MP4 has no index (moov)"),
				Advice: "its recording was not finished, or it was not copied to its end: name another clip",
			}
		}
		if err != nil {
			return nil, 0, err
		}
		if p.kind == "moov" {
			index, err := load(f, p)
			return index, p.next, err
		}
		at = p.next
	}
}

func (m *mp4) format() camera.Format { return camera.Format{Codec: m.track.codec, Sets: m.track.sets} }

// next implements clip.
func (m *mp4) next() (frame, error) {
	s, ok, err := m.samples.next()
	if err != nil {
		return frame{}, err
	}
	if !ok {
		return frame{}, io.EOF
	}
	if s.size > maxPicture {
		return frame{}, fmt.Errorf("a picture has %d bytes, and at most %d are read", s.size, maxPicture)
	}
	m.data = slices.Grow(m.data[:0], int(s.size))[:s.size]
	if n, err := m.in.ReadAt(m.data, s.offset); n < len(m.data) {
		if errors.Is(err, io.EOF) && !m.growing {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	f := frame{show: m.ticks(s.show), decode: m.ticks(s.decode)}
	if err := m.split(&f); err != nil {
		return frame{}, err
	}
	return f, nil
}

// ticks turns a time of the track into 90 kHz. It is counted from the beginning, so that nothing adds up.
func (m *mp4) ticks(t int64) int64 {
	negative := t < 0
	if negative {
		t = -t
	}
	high, low := bits.Mul64(uint64(t), hertz)
	if high >= m.track.scale { // of years
		return 0
	}
	n, _ := bits.Div64(high, low, m.track.scale)
	if negative {
		return -int64(n)
	}
	return int64(n)
}

// split takes the units of a picture apart: each stands behind its length.
func (m *mp4) split(f *frame) error {
	m.units = m.units[:0]
	for r := (reader{rest: m.data}); len(r.rest) > 0; {
		size := r.number(m.track.prefix)
		if r.short || size > uint64(len(r.rest)) {
			return errMP4
		}
		unit := r.bytes(int(size))
		if len(unit) == 0 {
			continue
		}
		m.units = append(m.units, unit)
		f.key = f.key || isKey(m.track.codec, unit[0])
	}
	f.units = m.units
	return nil
}

// isKey tells by the header of a unit whether decoding can begin with its picture (ITU-T H.264 table 7-1, H.265 table 7-1).
func isKey(codec camera.Codec, header byte) bool {
	if codec == camera.H265 {
		kind := header >> 1 & 0x3f
		return kind >= 16 && kind <= 21
	}
	return header&0x1f == 5
}

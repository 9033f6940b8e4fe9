package file

import (
	"errors"
	"io"
)

// fragments reads the samples of an MP4 in fragments (ISO/IEC 14496-12 section 8.8): each has an index of its own.
type fragments struct {
	in     io.ReaderAt
	track  *track
	at     int64 // of the next box of the file
	queue  []sample
	decode int64 // of the next sample
}

// maxFragment is how many samples a fragment may have: those that say nothing of themselves need no bytes in it.
const maxFragment = 1 << 20

// next returns the next sample, false after the last. A file whose last fragment is not whole ends before that.
func (f *fragments) next() (sample, bool, error) {
	for len(f.queue) == 0 {
		p, err := nextBox(f.in, f.at)
		if errors.Is(err, io.EOF) {
			return sample{}, false, nil
		}
		if err != nil {
			return sample{}, false, err
		}
		f.at = p.next
		if p.kind != "moof" {
			continue
		}
		body, err := load(f.in, p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return sample{}, false, nil
		}
		if err != nil {
			return sample{}, false, err
		}
		err = boxes(body, func(b box) error {
			if b.kind != "traf" {
				return nil
			}
			return f.traf(b.body, p.start)
		})
		if err != nil {
			return sample{}, false, err
		}
	}
	s := f.queue[0]
	f.queue = f.queue[1:]
	return s, true, nil
}

// A part is what a fragment says of all its samples.
type part struct {
	ours           bool
	base, offset   int64
	duration, size uint64
}

// traf reads what a fragment says of a track.
func (f *fragments) traf(body []byte, start int64) error {
	p := part{base: start, offset: start, duration: f.track.usualDuration, size: f.track.usualSize}
	return boxes(body, func(b box) error {
		r := reader{rest: b.body}
		head := r.number(4)
		switch {
		case b.kind == "tfhd":
			p.head(&r, head&0xffffff, f.track.id)
		case !p.ours:
			return nil
		case b.kind == "tfdt":
			f.decode = int64(r.number(versioned(head>>24, 4, 8)))
		case b.kind == "trun":
			return f.run(&p, &r, head)
		}
		if r.short {
			return errMP4
		}
		return nil
	})
}

// head reads a tfhd box (section 8.8.7).
func (p *part) head(r *reader, flags, id uint64) {
	const base, description, duration, size = 1, 2, 8, 16
	p.ours = r.number(4) == id
	if flags&base != 0 {
		p.base = int64(r.number(8))
		p.offset = p.base
	}
	if flags&description != 0 {
		r.bytes(4)
	}
	if flags&duration != 0 {
		p.duration = r.number(4)
	}
	if flags&size != 0 {
		p.size = r.number(4)
	}
}

// run reads a trun box (section 8.8.8).
func (f *fragments) run(p *part, r *reader, head uint64) error {
	const offset, first, duration, size, flags, delay = 1, 4, 0x100, 0x200, 0x400, 0x800
	count := r.number(4)
	if head&offset != 0 {
		p.offset = p.base + int64(int32(r.number(4)))
	}
	if head&first != 0 {
		r.bytes(4)
	}
	for range count {
		s := sample{offset: p.offset, size: p.size, decode: f.decode, show: f.decode}
		length := p.duration
		if head&duration != 0 {
			length = r.number(4)
		}
		if head&size != 0 {
			s.size = r.number(4)
		}
		if head&flags != 0 {
			r.bytes(4)
		}
		if head&delay != 0 {
			s.show += int64(int32(r.number(4)))
		}
		if r.short || len(f.queue) >= maxFragment {
			return errMP4
		}
		f.queue = append(f.queue, s)
		p.offset += int64(s.size)
		f.decode += int64(length)
	}
	return nil
}

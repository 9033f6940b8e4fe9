package file

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// errMP4: the file contradicts itself.
var errMP4 = errors.New("the MP4 makes no sense")

// A box is what MP4 is made of (ISO/IEC 14496-12 section 4.2): a type of four letters, and what is in it.
type box struct {
	kind string
	body []byte
}

// boxes calls f for each box in a body. What stands there that is no box is passed over.
func boxes(body []byte, f func(box) error) error {
	for len(body) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(body)), uint64(8)
		switch {
		case size == 0:
			size = uint64(len(body))
		case size == 1 && len(body) >= 16:
			size, head = binary.BigEndian.Uint64(body[8:]), 16
		}
		if size < head || size > uint64(len(body)) {
			return errMP4
		}
		if err := f(box{string(body[4:8]), body[head:size]}); err != nil {
			return err
		}
		body = body[size:]
	}
	return nil
}

// A place is where a box of the file itself stands.
type place struct {
	kind       string
	start      int64 // of its header
	body, next int64
}

// nextBox reads the header of the box at a place of the file. At the end of the file it returns io.EOF.
func nextBox(in io.ReaderAt, start int64) (place, error) {
	var head [16]byte
	n, err := in.ReadAt(head[:], start)
	if n < 8 {
		if errors.Is(err, io.EOF) {
			return place{}, io.EOF // also of a box of which only the beginning was written
		}
		return place{}, err
	}
	p := place{kind: string(head[4:8]), start: start, body: start + 8}
	switch size := int64(binary.BigEndian.Uint32(head[:])); {
	case size == 0: // up to the end of the file
		p.next = 1<<63 - 1
	case size == 1 && n == len(head):
		p.body, p.next = start+16, start+int64(binary.BigEndian.Uint64(head[8:]))
	default:
		p.next = start + size
	}
	if p.next < p.body {
		return place{}, errMP4
	}
	return p, nil
}

// maxTables is the largest index of a file, in bytes: that of a day has less.
const maxTables = 64 << 20

// load reads the body of a box.
func load(in io.ReaderAt, p place) ([]byte, error) {
	if p.next-p.body > maxTables {
		return nil, fmt.Errorf("the %s box has %d bytes, and at most %d are read", p.kind, p.next-p.body, maxTables)
	}
	body := make([]byte, p.next-p.body)
	n, err := in.ReadAt(body, p.body)
	if n < len(body) {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body, nil
}

// A reader reads numbers from a body. Once it is short of bytes it reads zeros, and says so.
type reader struct {
	rest  []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) number(size int) (n uint64) {
	for _, b := range r.bytes(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

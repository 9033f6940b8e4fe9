package spool

import (
	"encoding/binary"
	"errors"
	"time"
)

// A record is one result in the file, with all that is needed to go on with it: nothing else has to be read to understand it.
type record struct {
	accepted time.Time // in milliseconds
	sequence uint64
	camera   string
	watch    string
	sinks    []mark
	body     []byte // the result, as result.Result writes it
}

// A mark says that a sink wants a record, and how far that sink was when the record was written.
type mark struct {
	sink   string
	cursor uint64
}

// A deadLetter is a record that one sink will never take.
type deadLetter struct {
	record
	sink     string
	reason   string
	attempts int
	died     time.Time
}

// errRecord says that a record is not one: the parts are whole, so another version of this program wrote it.
var errRecord = errors.New("the record is of an unknown form")

func (r *record) encode() []byte {
	text := make([]byte, 0, 64+len(r.camera)+len(r.watch)+32*len(r.sinks)+len(r.body))
	text = binary.AppendVarint(text, r.accepted.UnixMilli())
	text = binary.AppendUvarint(text, r.sequence)
	text = appendText(text, r.camera)
	text = appendText(text, r.watch)
	text = appendMarks(text, r.sinks)
	return append(text, r.body...)
}

func (d *deadLetter) encode() []byte {
	text := binary.AppendVarint(nil, d.died.UnixMilli())
	text = appendText(text, d.sink)
	text = appendText(text, d.reason)
	text = binary.AppendUvarint(text, uint64(d.attempts))
	return append(text, d.record.encode()...)
}

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

func appendMarks(to []byte, marks []mark) []byte {
	to = binary.AppendUvarint(to, uint64(len(marks)))
	for _, m := range marks {
		to = appendText(to, m.sink)
		to = binary.AppendUvarint(to, m.cursor)
	}
	return to
}

// decodeRecord reads a record. The body may be cut off: then it is the first part of a record of several. It is that of text.
func decodeRecord(text []byte) (r record, err error) {
	in := reader{rest: text}
	r.accepted = time.UnixMilli(in.varint())
	r.sequence = in.uvarint()
	r.camera, r.watch = in.text(), in.text()
	r.sinks = in.marks()
	r.body = in.rest
	return r, in.err()
}

func decodeDead(text []byte) (d deadLetter, err error) {
	in := reader{rest: text}
	d.died = time.UnixMilli(in.varint())
	d.sink, d.reason = in.text(), in.text()
	d.attempts = int(in.uvarint())
	if in.failed {
		return d, errRecord
	}
	d.record, err = decodeRecord(in.rest)
	return d, err
}

// A cursors record says how far all sinks are: each has everything up to its mark and, of the streams that have overtaken others, up to a lead.
type cursors struct {
	marks []mark
	leads []lead
}

// A lead says how far a sink is with one stream.
type lead struct {
	sink     string
	stream   stream
	position uint64
}

func (c *cursors) encode() []byte {
	text := appendMarks(nil, c.marks)
	for _, l := range c.leads {
		text = appendText(appendText(appendText(text, l.sink), l.stream.camera), l.stream.watch)
		text = binary.AppendUvarint(text, l.position)
	}
	return text
}

func decodeCursors(text []byte) (c cursors, err error) {
	in := reader{rest: text}
	c.marks = in.marks()
	for len(in.rest) > 0 && !in.failed {
		l := lead{sink: in.text(), stream: stream{in.text(), in.text()}, position: in.uvarint()}
		if !in.failed {
			c.leads = append(c.leads, l)
		}
	}
	return c, in.err()
}

// A reader takes values from the front of a text. After the first that is not there it returns zeros.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) err() error {
	if r.failed {
		return errRecord
	}
	return nil
}

func (r *reader) advance(n int) bool {
	if r.failed = r.failed || n <= 0; r.failed {
		return false
	}
	r.rest = r.rest[n:]
	return true
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if !r.advance(n) {
		return 0
	}
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if !r.advance(n) {
		return 0
	}
	return v
}

// bytes returns those of the text.
func (r *reader) bytes() []byte {
	size := r.uvarint()
	if r.failed = r.failed || size > uint64(len(r.rest)); r.failed {
		return nil
	}
	b := r.rest[:size]
	r.rest = r.rest[size:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) marks() (marks []mark) {
	for range r.uvarint() {
		m := mark{sink: r.text(), cursor: r.uvarint()}
		if r.failed {
			return nil
		}
		marks = append(marks, m)
	}
	return marks
}

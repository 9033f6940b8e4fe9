package h264

import "bytes"

// A stream is a byte stream (ITU-T H.264 annex B) that comes in the fragments of one unit: some cameras give away parameter sets and key
// frame together as if they were a single SPS. Out of it come single units and fragments again.
type stream struct {
	running bool   // the fragments are of such a unit
	begun   bool   // a fragment of the unit that is being read was emitted
	header  byte   // of that unit, once begun
	held    []byte // not emitted yet
	buffer  []byte
}

// begin starts with the unit whose first fragment has these two headers.
func (s *stream) begin(indicator, fragment byte) {
	s.running, s.begun = true, false
	s.held = append(s.held[:0], indicator&^0x1f|kindOf(fragment))
}

// patience is how many zeros are held back at the most: any number of them may come before a start code.
const patience = 64

// inStream takes the bodies of the fragments in order. What may be the first half of a start code is held back, and one byte more, so
// that no unit ends with an empty fragment.
func (m *Mender) inStream(body []byte, end bool, emit func([]byte, bool)) {
	s := &m.stream
	s.held = append(s.held, body...)
	rest := s.held
	for found := false; ; found = true {
		at := bytes.Index(rest, startCode)
		if at < 0 {
			break
		}
		if !found {
			m.counts.StartCodes++
		}
		m.flush(trimZeros(rest[:at]), true, false, emit)
		rest = rest[at+len(startCode):]
	}
	if end {
		m.flush(trimZeros(rest), true, true, emit)
		return
	}
	if ready := max(len(trimZeros(rest))-1, len(rest)-patience); ready >= 2 {
		m.flush(rest[:ready], false, true, emit)
		rest = rest[ready:]
	}
	s.held = s.held[:copy(s.held, rest)]
}

// flush emits the next part of the unit that is being read: alone if it is the whole of it, else as a fragment.
func (m *Mender) flush(part []byte, end, last bool, emit func([]byte, bool)) {
	s := &m.stream
	bits := byte(0)
	if !s.begun {
		if end {
			m.single(part, last, emit)
			return
		}
		s.header, part = part[0], part[1:]
		bits |= startBit
	}
	if end {
		bits |= endBit
	}
	s.begun = !end
	kind := kindOf(s.header)
	if !isUnit(kind) {
		m.counts.Invalid++
		return
	}
	s.buffer = append(s.buffer[:0], s.header&^0x1f|typeFUA, bits|kind)
	s.buffer = append(s.buffer, part...)
	emit(s.buffer, last)
}

package bytestream

import (
	"bytes"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

var startCode = []byte{0, 0, 1}

// A Splitter finds the pictures in a byte stream of H.264 or H.265 that comes in pieces. It belongs to one goroutine.
type Splitter struct {
	codec camera.Codec
	emit  func(Picture)
	trust trust

	buffer  []byte // the picture in hand, and what came behind it
	scanned int    // where in it the next start code may be
	begun   bool   // the buffer begins with the beginning of a picture
	sliced  bool   // the picture has a slice
	key     bool
	lost    int // since the last picture
	stamps  []stamped

	hinted [hints]int // at how many bytes in the buffer each hint was seen, 0 for nowhere
	told   told       // the picture before was emitted because of a hint
}

// stamped says from where on a stamp counts.
type stamped struct {
	at    int // in the buffer
	stamp Stamp
}

// told is what is known of a picture that was emitted before the next began.
type told struct {
	yes  bool
	hint Hint
}

// NewSplitter returns a Splitter that calls emit for each picture, whose bytes are borrowed until emit returns.
func NewSplitter(codec camera.Codec, emit func(Picture)) *Splitter {
	return &Splitter{codec: codec, emit: emit}
}

// Pending tells whether there may be a whole picture that was not emitted yet.
func (s *Splitter) Pending() bool { return s.begun && s.sliced }

// Write takes the next piece. A picture that begins in it has the stamp.
func (s *Splitter) Write(piece []byte, stamp Stamp) {
	if len(piece) == 0 {
		return
	}
	s.mark(stamp)
	s.buffer = append(s.buffer, piece...)
	s.scan()
	switch {
	case len(s.buffer) > maxPicture:
		s.Break(1)
	case !s.begun:
		s.tidy()
	}
}

// tidy drops what stands before a picture, but for what may be half a start code. If a picture was emitted before, it belongs to that one.
func (s *Splitter) tidy() {
	n := max(0, s.scanned-1)
	if s.told.yes && !allZero(s.buffer[:n]) {
		s.doubt()
	}
	s.drop(n)
}

// mark notes the stamp of what comes next.
func (s *Splitter) mark(stamp Stamp) {
	at := len(s.buffer)
	if n := len(s.stamps); n > 0 && (s.stamps[n-1].at == at || s.stamps[n-1].stamp == stamp) {
		s.stamps[n-1].stamp = stamp
		return
	}
	s.stamps = append(s.stamps, stamped{at, stamp})
}

// Hint says that the picture in hand may be whole with what was written.
func (s *Splitter) Hint(h Hint) {
	switch {
	case !s.Pending():
	case s.trust.believes(h):
		s.cut(len(s.buffer))
		s.told = told{true, h}
	default:
		if at := s.hinted[h]; at != 0 && at != len(s.buffer) { // it was seen before in this picture, where nothing ended
			s.trust.wrong(h)
		}
		s.hinted[h] = len(s.buffer)
	}
}

// Flush says that nothing follows: what there is of a picture is the last one.
func (s *Splitter) Flush() {
	if s.Pending() {
		s.cut(len(s.buffer))
	}
	s.Break(0)
}

// Break says that so many packets are missing after what was written: the picture in hand is left out, and what follows up to the next.
func (s *Splitter) Break(lost int) {
	s.lost += lost
	s.buffer, s.scanned, s.stamps = s.buffer[:0], 0, s.stamps[:0]
	s.begun, s.sliced, s.key, s.told, s.hinted = false, false, false, told{}, [hints]int{}
}

// scan looks for the start codes in what is new.
func (s *Splitter) scan() {
	for {
		i := bytes.Index(s.buffer[s.scanned:], startCode)
		if i < 0 {
			s.scanned = max(s.scanned, len(s.buffer)-len(startCode)+1)
			return
		}
		at := s.scanned + i
		head := s.buffer[at+len(startCode):]
		if len(head) < need(s.codec) {
			s.scanned = at
			return
		}
		s.scanned = at + len(startCode)
		s.unit(at, kindOf(s.codec, head))
	}
}

// unit takes note of a unit whose start code is at a place in the buffer.
func (s *Splitter) unit(at int, kind unitKind) {
	start := at
	if start > 0 && s.buffer[start-1] == 0 { // the zero_byte before belongs to the start code
		start--
	}
	s.review(start, kind)
	switch {
	case !s.begun && kind&opens != 0:
		s.drop(start)
		s.begun = true
	case s.sliced && kind&opens != 0:
		s.learn(start)
		s.cut(start)
		s.begun = true
	}
	if s.begun && kind&slice != 0 {
		s.sliced = true
		s.key = s.key || kind&key != 0
	}
}

// review finds out whether a picture that was emitted by a hint was whole: then the next begins right behind it.
func (s *Splitter) review(start int, kind unitKind) {
	if !s.told.yes {
		return
	}
	if !allZero(s.buffer[:start]) || kind&slice != 0 && kind&opens == 0 {
		s.doubt()
	}
	s.told = told{}
}

// doubt says that the picture before was emitted too early.
func (s *Splitter) doubt() {
	s.trust.wrong(s.told.hint)
	s.lost++
	s.told = told{}
}

// learn compares the hints that were not believed with where the next picture really began.
func (s *Splitter) learn(start int) {
	for h, at := range s.hinted {
		switch {
		case at == 0:
		case at <= start && allZero(s.buffer[at:start]):
			s.trust.right(Hint(h))
		default:
			s.trust.wrong(Hint(h))
		}
	}
}

func allZero(b []byte) bool { return len(bytes.TrimRight(b, "\x00")) == 0 }

// cut emits the picture in hand, which ends at a place in the buffer, and begins with what follows.
func (s *Splitter) cut(end int) {
	p := Picture{Data: s.buffer[:end], Key: s.key, Lost: s.lost}
	if len(s.stamps) > 0 {
		p.Stamp = s.stamps[0].stamp
	}
	s.lost = 0
	s.emit(p)
	s.drop(end)
	s.begun, s.sliced, s.key, s.hinted = false, false, false, [hints]int{}
}

// drop takes bytes off the front of the buffer. The stamp that counts for what is then its first stays.
func (s *Splitter) drop(n int) {
	if n == 0 {
		return
	}
	s.buffer = s.buffer[:copy(s.buffer, s.buffer[n:])]
	s.scanned = max(0, s.scanned-n)
	keep := 0
	for i := range s.stamps {
		if s.stamps[i].at = max(0, s.stamps[i].at-n); s.stamps[i].at == 0 {
			keep = i
		}
	}
	s.stamps = s.stamps[:copy(s.stamps, s.stamps[keep:])]
}

// Late tells whether pictures are known to go on only when the next one begins.
func (s *Splitter) Late() bool { return s.trust[Paused] < 0 && !s.trust.believes(PacketEnd) }

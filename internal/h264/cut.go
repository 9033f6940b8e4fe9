package h264

// A Cutter cuts RTP payloads that are too large for the room into ones that fit. It belongs to one goroutine and allocates once.
type Cutter struct {
	max     int
	scratch []byte
}

// NewCutter returns a Cutter for payloads of at most max bytes.
func NewCutter(max int) *Cutter { return &Cutter{max: max, scratch: make([]byte, 0, max)} }

// Cut calls emit for each part of payload in order; last is set on the final one. A payload that fits is passed on as it is. The parts
// are borrowed: the next one overwrites them. It reports false when the payload is of no kind that can be cut.
func (c *Cutter) Cut(payload []byte, emit func(part []byte, last bool)) bool {
	if len(payload) <= c.max {
		emit(payload, true)
		return len(payload) > 0
	}
	switch kind := kindOf(payload[0]); {
	case kind == typeFUA:
		header := payload[1]
		c.fragment(payload[0]&0x60, header, payload[2:], true, emit)
		return true
	case kind == typeSTAPA:
		return c.split(payload[1:], emit)
	case isUnit(kind):
		c.fragment(payload[0]&0x60, startBit|endBit|kind, payload[1:], true, emit)
		return true
	}
	return false
}

// The bits of an FU header (RFC 6184 section 5.8).
const (
	startBit = 0x80
	endBit   = 0x40
)

// fragment emits body as FU-A payloads of about equal size. The start and end bits of header say which ends body really has.
func (c *Cutter) fragment(importance, header byte, body []byte, last bool, emit func([]byte, bool)) {
	room := c.max - 2
	pieces := (len(body) + room - 1) / room
	size := (len(body) + pieces - 1) / pieces
	for start := 0; start < len(body); start += size {
		end := min(start+size, len(body))
		bits := kindOf(header)
		if start == 0 {
			bits |= header & startBit
		}
		if end == len(body) {
			bits |= header & endBit
		}
		c.scratch = append(c.scratch[:0], importance|typeFUA, bits)
		c.scratch = append(c.scratch, body[start:end]...)
		emit(c.scratch, last && end == len(body))
	}
}

// split emits the units of a STAP-A one by one: rare enough that packing them again is not worth the code.
func (c *Cutter) split(rest []byte, emit func([]byte, bool)) bool {
	for len(rest) > 0 {
		unit, next, ok := nextUnit(rest)
		if !ok {
			return false
		}
		if last := len(next) == 0; len(unit) <= c.max {
			emit(unit, last)
		} else {
			c.fragment(unit[0]&0x60, startBit|endBit|kindOf(unit[0]), unit[1:], last, emit)
		}
		rest = next
	}
	return true
}

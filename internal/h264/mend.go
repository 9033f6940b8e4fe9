package h264

import "bytes"

// A Mender puts right payloads that break RFC 6184, as cameras send them. What it may change is the wrapping only: how NAL units are packed,
// start codes and zeros between them, units with nothing in them. No byte of a unit is altered, and a payload without fault is passed on
// as it is. It belongs to one goroutine and one session of the camera; the zero value is ready. Once its buffer has grown to the largest
// payload it allocates nothing.
type Mender struct {
	counts Mended
	open   bool // a unit's first fragment came, and its last did not
	stream stream
}

// Mended counts the faults that were found.
type Mended struct {
	// Put right.
	StartCodes uint64 // payloads with Annex B start codes in them
	Whole      uint64 // fragments that are first and last at once
	Padded     uint64 // NAL units with zeros after their end
	Empty      uint64 // payloads and NAL units with nothing in them, left out
	Bundles    uint64 // STAP-A payloads that had to be taken apart

	// Refused.
	Orphans     uint64 // fragments of a unit whose beginning was lost
	Interleaved uint64 // payloads of packetization mode 2: STAP-B, MTAP16, MTAP24, FU-B
	Invalid     uint64 // what is no payload at all
}

// Counts returns what was found so far.
func (m *Mender) Counts() Mended { return m.counts }

// Break says that packets were lost: what comes next does not continue the unit in hand, even if it looks so.
func (m *Mender) Break() { m.open = false }

// Mend calls emit for each payload that payload becomes, in order: mostly one, itself; none where it is refused. last is set on the final
// one, which inherits the marker. Both are borrowed, and payload may be written to.
func (m *Mender) Mend(payload []byte, emit func(part []byte, last bool)) {
	if len(payload) == 0 {
		m.counts.Empty++
		return
	}
	kind := kindOf(payload[0])
	if kind == typeFUA {
		m.fragment(payload, emit)
		return
	}
	m.open = false
	switch {
	case kind == typeSTAPA:
		m.bundle(payload, emit)
	case kind == typeSTAPB, kind == typeMTAP16, kind == typeMTAP24, kind == typeFUB:
		m.counts.Interleaved++
	case kind > lastUnitType:
		m.counts.Invalid++
	default:
		m.unit(payload, true, emit)
	}
}

// unit emits a unit that stands alone, or the units it turns out to be.
func (m *Mender) unit(unit []byte, last bool, emit func([]byte, bool)) {
	if at := bytes.Index(unit, startCode); at >= 0 {
		m.counts.StartCodes++
		for rest := unit; rest != nil; {
			unit, rest = nextAnnexB(rest)
			m.single(unit, last && len(trimZeros(rest)) == 0, emit)
		}
		return
	}
	whole := trimZeros(unit)
	if len(whole) < len(unit) {
		m.counts.Padded++
	}
	m.single(whole, last, emit)
}

// single emits one unit without start code and padding, unless it carries nothing.
func (m *Mender) single(unit []byte, last bool, emit func([]byte, bool)) {
	switch {
	case len(unit) == 0:
		return
	case hasNothing(unit):
		m.counts.Empty++
	case !isUnit(kindOf(unit[0])):
		m.counts.Invalid++
	default:
		emit(unit, last)
	}
}

// hasNothing tells whether a unit is but a header. Only two types are meant to be (ITU-T H.264 sections 7.3.2.5 and 7.3.2.6).
func hasNothing(unit []byte) bool {
	return len(unit) == 1 && kindOf(unit[0]) != typeEndSequence && kindOf(unit[0]) != typeEndStream
}

// bundle passes on a STAP-A, or takes it apart where one of its units is at fault. Padding within is left alone: that would need it, and
// decoders do not mind.
func (m *Mender) bundle(payload []byte, emit func([]byte, bool)) {
	sound := len(payload) > 1
	for rest := payload[1:]; sound && len(rest) > 0; {
		var unit []byte
		unit, rest, sound = nextUnit(rest)
		sound = sound && isUnit(kindOf(unit[0])) && !hasNothing(unit) && !bytes.Contains(unit, startCode)
	}
	if sound {
		emit(payload, true)
		return
	}
	m.counts.Bundles++
	for rest := payload[1:]; len(rest) >= 2; {
		n := int(rest[0])<<8 | int(rest[1])
		if n > len(rest)-2 {
			m.counts.Invalid++ // cut short: what there is of the unit is no use
			return
		}
		unit := rest[2 : 2+n]
		rest = rest[2+n:]
		if n == 0 {
			m.counts.Empty++
			continue
		}
		m.unit(unit, len(trimZeros(rest)) == 0, emit)
	}
}

// fragment passes on an FU-A. The empty ones, which RFC 6184 section 5.8 allows, too.
func (m *Mender) fragment(payload []byte, emit func([]byte, bool)) {
	if len(payload) < 2 || !isUnit(kindOf(payload[1])) {
		m.counts.Invalid++
		m.open = false
		return
	}
	header := payload[1]
	start, end := header&startBit != 0, header&endBit != 0
	switch {
	case start && end: // forbidden there: a fragment is never the whole unit
		m.open = false
		m.counts.Whole++
		payload[1] = payload[0]&^0x1f | kindOf(header)
		m.unit(payload[1:], true, emit)
		return
	case start:
		m.open = true
		m.stream.running = isStream(kindOf(header), payload[2:])
		if m.stream.running {
			m.stream.begin(payload[0], header)
		}
	case !m.open: // its receiver is to discard what follows a lost fragment
		m.counts.Orphans++
		return
	}
	if end {
		m.open = false
	}
	if m.stream.running {
		m.inStream(payload[2:], end, emit)
		return
	}
	m.closing(payload, end, emit)
}

// isStream tells whether a unit that begins thus is a row of units. Parameter sets are hardly ever so large that they need fragments;
// other units have to prove it in their first one, and are then searched no more.
func isStream(kind byte, body []byte) bool {
	return kind == TypeSPS || kind == TypePPS || bytes.Contains(body, startCode)
}

// closing passes on a fragment, without the padding of the last one. A last one that is nothing else stays, since it ends its unit.
func (m *Mender) closing(payload []byte, end bool, emit func([]byte, bool)) {
	if end {
		if whole := trimZeros(payload); len(whole) > 2 && len(whole) < len(payload) {
			m.counts.Padded++
			payload = whole
		}
	}
	emit(payload, true)
}

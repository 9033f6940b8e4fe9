// Package h264 knows as much of H.264 over RTP (RFC 6184) as passing it through needs: which NAL units a payload carries, where pictures
// begin and end, what the parameter sets promise, how payloads that break the rules are put right, and how one that is too large for the
// room is cut. It decodes nothing, and no bit of a coded picture is altered.
package h264

import "encoding/binary"

// NAL unit types (ITU-T H.264 table 7-1) and RTP aggregation types (RFC 6184 table 1).
const (
	TypeSlice       = 1
	TypeIDR         = 5
	typeSEI         = 6
	TypeSPS         = 7
	TypePPS         = 8
	typeAUD         = 9 // access unit delimiter
	typeEndSequence = 10
	typeEndStream   = 11
	lastUnitType    = 23 // above it are the types of RTP
	typeSTAPA       = 24
	typeSTAPB       = 25
	typeMTAP16      = 26
	typeMTAP24      = 27
	typeFUA         = 28
	typeFUB         = 29
)

// kindOf returns the type of the unit that begins with header.
func kindOf(header byte) byte { return header & 0x1f }

// isUnit tells whether kind is the type of a NAL unit, used or reserved, and not one of RTP's.
func isUnit(kind byte) bool { return kind >= 1 && kind <= lastUnitType }

// nextUnit cuts the first NAL unit off the body of a STAP-A: two bytes of length, then the unit.
func nextUnit(body []byte) (unit, rest []byte, ok bool) {
	if len(body) < 3 {
		return nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(body))
	if n == 0 || n > len(body)-2 {
		return nil, nil, false
	}
	return body[2 : 2+n], body[2+n:], true
}

// EachUnit calls f for every whole NAL unit in payload; fragments (FU-A) are passed over. The units are parts of payload.
func EachUnit(payload []byte, f func(unit []byte)) {
	if len(payload) == 0 {
		return
	}
	switch kind := kindOf(payload[0]); {
	case kind == typeSTAPA:
		for rest := payload[1:]; len(rest) > 0; {
			unit, next, ok := nextUnit(rest)
			if !ok {
				return
			}
			f(unit)
			rest = next
		}
	case isUnit(kind):
		f(payload)
	}
}

// A Fragment is what an FU-A carries of a NAL unit (RFC 6184 section 5.8).
type Fragment struct {
	Header     byte   // of the unit
	Body       []byte // a part of what follows its header; may be empty
	Start, End bool
}

// ParseFragment takes an FU-A apart, and reports false for any other payload. The body is part of payload.
func ParseFragment(payload []byte) (Fragment, bool) {
	if len(payload) < 2 || kindOf(payload[0]) != typeFUA {
		return Fragment{}, false
	}
	header := payload[1]
	return Fragment{payload[0]&^0x1f | kindOf(header), payload[2:], header&startBit != 0, header&endBit != 0}, true
}

// Aggregate appends to dst one STAP-A payload that carries the units, or nothing when they do not fit into max bytes.
func Aggregate(dst []byte, max int, units ...[]byte) []byte {
	size, importance := 1, byte(0)
	for _, u := range units {
		if len(u) == 0 {
			return dst
		}
		size += 2 + len(u)
		importance = importance | u[0]&0x60
	}
	if size > max {
		return dst
	}
	dst = append(dst, importance|typeSTAPA)
	for _, u := range units {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(u)))
		dst = append(dst, u...)
	}
	return dst
}

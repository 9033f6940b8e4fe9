// Package h264 knows as much of H.264 over RTP (RFC 6184) as passing it through needs: which NAL units a payload carries, and how to
// cut a payload that is too large for the room.
package h264

import "encoding/binary"

// NAL unit types (ITU-T H.264 table 7-1) and RTP aggregation types (RFC 6184 table 1).
const (
	TypeSlice = 1
	TypeIDR   = 5
	TypeSPS   = 7
	TypePPS   = 8
	typeSTAPA = 24
	typeFUA   = 28
)

// Content is the set of things found in a payload.
type Content uint8

// What a payload may carry. IDR is set for every fragment of an IDR slice, Slice for every fragment of another picture slice.
const (
	SPS Content = 1 << iota
	PPS
	IDR
	Slice
	Invalid // not a payload that RFC 6184 allows in packetization modes 0 and 1
)

// Has tells whether any of want is in c.
func (c Content) Has(want Content) bool { return c&want != 0 }

// Look tells what one RTP payload carries. It neither copies nor allocates.
func Look(payload []byte) Content {
	if len(payload) == 0 {
		return Invalid
	}
	switch kind := payload[0] & 0x1f; {
	case kind == typeFUA:
		if len(payload) < 3 {
			return Invalid
		}
		return contentOf(payload[1] & 0x1f)
	case kind == typeSTAPA:
		return lookAggregate(payload[1:])
	case kind == 0 || kind > 23:
		return Invalid
	default:
		return contentOf(kind)
	}
}

func contentOf(kind byte) Content {
	switch kind {
	case TypeSPS:
		return SPS
	case TypePPS:
		return PPS
	case TypeIDR:
		return IDR
	case TypeSlice:
		return Slice
	}
	return 0
}

func lookAggregate(rest []byte) Content {
	var found Content
	for len(rest) > 0 {
		unit, next, ok := nextUnit(rest)
		if !ok {
			return found | Invalid
		}
		found |= contentOf(unit[0] & 0x1f)
		rest = next
	}
	return found
}

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
	switch kind := payload[0] & 0x1f; {
	case kind == typeSTAPA:
		for rest := payload[1:]; len(rest) > 0; {
			unit, next, ok := nextUnit(rest)
			if !ok {
				return
			}
			f(unit)
			rest = next
		}
	case kind >= 1 && kind <= 23:
		f(payload)
	}
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

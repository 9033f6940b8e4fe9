package h264

// Content is the set of things found in a payload.
type Content uint16

// What a payload may carry. IDR is set for every fragment of an IDR slice, Slice for every fragment of another picture slice.
const (
	SPS Content = 1 << iota
	PPS
	IDR
	Slice
	Invalid // not a payload that RFC 6184 allows in packetization modes 0 and 1
	AUD     // access unit delimiter
	SEI
)

// What Inspect finds in addition, in the headers of slices.
const (
	FirstSlice Content = 1 << (iota + 8) // the beginning of the slice with the first macroblock of its picture
	BSlice                               // the beginning of a slice that may refer to later pictures
	SliceEnd                             // the end of a slice
)

// Has tells whether any of want is in c.
func (c Content) Has(want Content) bool { return c&want != 0 }

// Look tells what one RTP payload carries, by the types of its NAL units. It neither copies nor allocates.
func Look(payload []byte) Content { return look(payload, false) }

// Inspect is Look that looks into the headers of slices as well.
func Inspect(payload []byte) Content { return look(payload, true) }

func look(payload []byte, inside bool) Content {
	if len(payload) == 0 {
		return Invalid
	}
	switch kind := kindOf(payload[0]); {
	case kind == typeFUA:
		return lookFragment(payload, inside)
	case kind == typeSTAPA:
		return lookAggregate(payload[1:], inside)
	case !isUnit(kind):
		return Invalid
	default:
		return lookUnit(payload, inside)
	}
}

func lookUnit(unit []byte, inside bool) Content {
	found := contentOf(kindOf(unit[0]))
	if inside && found.Has(IDR|Slice) {
		found |= sliceBeginning(unit[1:]) | SliceEnd
	}
	return found
}

// lookFragment accepts fragments without a body: RFC 6184 section 5.8 allows them, and cameras send them.
func lookFragment(payload []byte, inside bool) Content {
	if len(payload) < 2 {
		return Invalid
	}
	found := contentOf(kindOf(payload[1]))
	if !inside || !found.Has(IDR|Slice) {
		return found
	}
	if payload[1]&startBit != 0 {
		found |= sliceBeginning(payload[2:])
	}
	if payload[1]&endBit != 0 {
		found |= SliceEnd
	}
	return found
}

func lookAggregate(rest []byte, inside bool) Content {
	var found Content
	for len(rest) > 0 {
		unit, next, ok := nextUnit(rest)
		if !ok {
			return found | Invalid
		}
		found |= lookUnit(unit, inside)
		rest = next
	}
	return found
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
	case typeAUD:
		return AUD
	case typeSEI:
		return SEI
	}
	return 0
}

package h264

import "encoding/binary"

// weigh264 tells how much a payload looks like H.264: not at all, in form, or for certain.
func weigh264(payload []byte) int {
	if payload[0]&0x80 != 0 { // forbidden_zero_bit
		return 0
	}
	switch kindOf(payload[0]) {
	case typeFUA:
		if len(payload) < 2 || payload[1]&0x20 != 0 { // reserved
			return 0
		}
		switch kindOf(payload[1]) {
		case TypeSlice, TypeIDR, typeSEI, TypeSPS, TypePPS:
			return 1
		}
		return 0
	case typeSTAPA:
		return weighUnits(payload[1:], weighUnit264)
	}
	return weighUnit264(payload)
}

func weighUnit264(unit []byte) int {
	referenced := unit[0]&0x60 != 0 // nal_ref_idc
	switch kindOf(unit[0]) {
	case TypeSPS:
		if _, err := ParseSPS(unit); err == nil && referenced {
			return enough
		}
	case TypePPS:
		return vote(referenced && len(unit) > 1 && unit[1] >= 0x08) // a low number: an IDR slice of H.265 has 1 there
	case TypeIDR:
		return vote(referenced && len(unit) > 1)
	case TypeSlice, typeSEI, typeAUD:
		return vote(len(unit) > 1)
	}
	return 0
}

// Types of RFC 7798 section 4.4, and of ITU-T H.265 table 7-1.
const (
	hevcLastSub = 9  // of the sub-layer slices
	hevcIRAP    = 16 // the first of the slices where decoding can begin
	hevcLastCRA = 21
	hevcVPS     = 32
	hevcLastSEI = 40
	hevcAP      = 48
	hevcFU      = 49
)

func weigh265(payload []byte) int {
	kind, ok := headerOf265(payload)
	switch {
	case !ok:
		return 0
	case kind == hevcFU:
		return vote(len(payload) > 2 && isSlice265(payload[2]&0x3f))
	case kind == hevcAP:
		return weighUnits(payload[2:], weighUnit265)
	}
	return weighUnit265(payload)
}

func weighUnit265(unit []byte) int {
	kind, ok := headerOf265(unit)
	switch {
	case !ok:
		return 0
	case kind == hevcVPS: // vps_reserved_0xffff_16bits
		if len(unit) >= 6 && unit[4] == 0xff && unit[5] == 0xff {
			return enough
		}
		return 0
	case kind >= hevcIRAP && kind <= hevcLastCRA, kind > hevcVPS && kind <= hevcVPS+2:
		return vote(unit[1] == 1) // these belong to the lowest temporal layer
	}
	return vote(isSlice265(kind) || kind > hevcVPS && kind <= hevcLastSEI)
}

// headerOf265 reads the two bytes of a header. Cameras have one layer, so the number of any other is a sign of another codec.
func headerOf265(unit []byte) (kind byte, ok bool) {
	if len(unit) < 3 {
		return 0, false
	}
	const forbiddenAndLayer, temporal = 0x81f8, 0x0007
	header := binary.BigEndian.Uint16(unit)
	return unit[0] >> 1, header&forbiddenAndLayer == 0 && header&temporal != 0
}

func isSlice265(kind byte) bool {
	return kind <= hevcLastSub || kind >= hevcIRAP && kind <= hevcLastCRA
}

// weighUnits weighs the units of an aggregate; one that makes no sense spoils it.
func weighUnits(rest []byte, weigh func([]byte) int) int {
	sum := 0
	for len(rest) > 0 {
		unit, next, ok := nextUnit(rest)
		if !ok {
			return 0
		}
		one := weigh(unit)
		if one == 0 {
			return 0
		}
		sum += one
		rest = next
	}
	return sum
}

func vote(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

package h264

import "bytes"

// startCode separates NAL units in a byte stream (ITU-T H.264 annex B). It cannot occur inside a unit: emulation prevention sees to that.
var startCode = []byte{0, 0, 1}

// EachAnnexB calls f for every NAL unit of a byte stream, or for raw itself where it has no start code, always without the zeros that may
// follow a unit. Empty units are left out. The units are parts of raw.
func EachAnnexB(raw []byte, f func(unit []byte)) {
	for len(raw) > 0 {
		var unit []byte
		if unit, raw = nextAnnexB(raw); len(unit) > 0 {
			f(unit)
		}
	}
}

// nextAnnexB cuts the first NAL unit off a byte stream, which is empty where the stream begins with a start code. rest begins after the
// start code that followed, and is nil when there was none.
func nextAnnexB(raw []byte) (unit, rest []byte) {
	at := bytes.Index(raw, startCode)
	if at < 0 {
		return trimZeros(raw), nil
	}
	return trimZeros(raw[:at]), raw[at+len(startCode):]
}

// trimZeros takes off trailing zeros. They are never part of a NAL unit: section 7.4.1 forbids a unit to end with one, so they are
// trailing_zero_8bits of a byte stream, or the padding of a careless sender.
func trimZeros(unit []byte) []byte {
	n := len(unit)
	for n > 0 && unit[n-1] == 0 {
		n--
	}
	return unit[:n]
}

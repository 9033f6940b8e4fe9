package ingest

import (
	"encoding/binary"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// Types of NAL units (ITU-T H.265 table 7-1) and of payloads (RFC 7798 section 4.4).
const (
	hevcLastSub   = 9  // of the slices of pictures where decoding cannot begin
	hevcFirstIRAP = 16 // of those where it can
	hevcLastIRAP  = 23
	hevcVPS       = 32
	hevcSPS       = 33
	hevcPPS       = 34
	hevcAUD       = 35
	hevcPrefixSEI = 39
	hevcAggregate = 48
	hevcFragment  = 49
)

// kind265 returns the type in a header of two bytes. Units of other layers than the first belong to scalable and 3D video, which no camera
// means.
func kind265(header []byte) (kind byte, ok bool) {
	if len(header) < 2 {
		return 0, false
	}
	const forbiddenAndLayer, temporal = 0x81f8, 0x0007
	bits := binary.BigEndian.Uint16(header)
	return header[0] >> 1, bits&forbiddenAndLayer == 0 && bits&temporal != 0
}

// inspect265 says what a payload of RFC 7798 carries, in the terms of H.264.
func inspect265(payload []byte) h264.Content {
	kind, ok := kind265(payload)
	switch {
	case !ok, kind > hevcFragment: // PACI, and what is not defined
		return h264.Invalid
	case kind == hevcFragment:
		return inspectFragment265(payload)
	}
	var found h264.Content
	each265(payload, func(unit []byte) { found |= inspectUnit265(unit) })
	return found
}

func inspectFragment265(payload []byte) h264.Content {
	if len(payload) < 3 {
		return h264.Invalid
	}
	found := content265(payload[2] & 0x3f)
	if !found.Has(h264.IDR | h264.Slice) {
		return found
	}
	if payload[2]&0x80 != 0 && len(payload) > 3 && payload[3]&0x80 != 0 {
		found |= h264.FirstSlice
	}
	if payload[2]&0x40 != 0 {
		found |= h264.SliceEnd
	}
	return found
}

// inspectUnit265 looks at a whole unit. A slice begins with first_slice_segment_in_pic_flag (ITU-T H.265 section 7.3.6.1).
func inspectUnit265(unit []byte) h264.Content {
	kind, ok := kind265(unit)
	if !ok {
		return 0
	}
	found := content265(kind)
	if found.Has(h264.IDR|h264.Slice) && len(unit) > 2 {
		found |= h264.SliceEnd
		if unit[2]&0x80 != 0 {
			found |= h264.FirstSlice
		}
	}
	return found
}

func content265(kind byte) h264.Content {
	switch {
	case kind <= hevcLastSub:
		return h264.Slice
	case kind >= hevcFirstIRAP && kind <= hevcLastIRAP:
		return h264.IDR
	}
	switch kind {
	case hevcVPS, hevcSPS:
		return h264.SPS
	case hevcPPS:
		return h264.PPS
	case hevcAUD:
		return h264.AUD
	case hevcPrefixSEI:
		return h264.SEI
	}
	return 0
}

// each265 calls f for each whole unit in a payload, without start codes and padding.
func each265(payload []byte, f func(unit []byte)) {
	kind, ok := kind265(payload)
	switch {
	case !ok || kind >= hevcFragment:
		return
	case kind != hevcAggregate:
		h264.EachAnnexB(payload, f)
		return
	}
	for rest := payload[2:]; len(rest) >= 2; {
		n := int(binary.BigEndian.Uint16(rest))
		if rest = rest[2:]; n > len(rest) {
			return // cut short: what there is of the unit is no use
		}
		h264.EachAnnexB(rest[:n], f)
		rest = rest[n:]
	}
}

// take265 adds a payload of RFC 7798.
func (a *assembly) take265(payload []byte) {
	if kind, _ := kind265(payload); kind != hevcFragment {
		each265(payload, a.unit)
		return
	}
	header := payload[2]
	a.fragment(header&0x80 != 0, header&0x40 != 0, payload[3:], payload[0]&0x81|header&0x3f<<1, payload[1])
}

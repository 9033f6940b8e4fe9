package clip

import "github.com/bluenviron/mediacommon/v2/pkg/bits"

// A nal is what is to know of a NAL unit for finding the borders of pictures.
type nal struct {
	slice, first bool // part of a picture; the first part of one
	key          bool // of a key frame
}

// lookH264 reads the header of a NAL unit (ITU-T H.264 7.3.1). A first_mb_in_slice of 0 is the single bit 1 that leads the slice header.
func lookH264(unit []byte) nal {
	kind := unit[0] & 0x1f
	slice := kind == 1 || kind == 5
	return nal{slice: slice, first: slice && len(unit) > 1 && unit[1]&0x80 != 0, key: kind == 5}
}

// lookH265 does the same for ITU-T H.265 7.3.1.2, whose slice headers begin with first_slice_segment_in_pic_flag.
func lookH265(unit []byte) nal {
	kind := unit[0] >> 1 & 0x3f
	slice := kind < 32
	return nal{slice: slice, first: slice && len(unit) > 2 && unit[2]&0x80 != 0, key: kind == 19 || kind == 20}
}

// splitUnits groups NAL units by picture (ITU-T H.264 7.4.1.2.3, as far as a stream without redundant or auxiliary pictures needs it).
func splitUnits(nals [][]byte, look func([]byte) nal) []Unit {
	var units []Unit
	complete := false // the unit in hand has its picture; the next NAL unit that can begin another one does
	for _, data := range nals {
		n := look(data)
		if len(units) == 0 || complete && (!n.slice || n.first) {
			units = append(units, Unit{})
			complete = false
		}
		unit := &units[len(units)-1]
		unit.NALs = append(unit.NALs, data)
		unit.Key = unit.Key || n.key
		complete = complete || n.slice
	}
	return units
}

// order numbers the pictures in the order in which they are shown. Others than B-frames are shown after the B-frames that are sent after
// them: that holds as long as nothing refers to a B-frame.
func order(units []Unit, codec Codec) {
	next, held := 0, -1
	show := func(i int) {
		units[i].Shown = next
		next++
	}
	for i, unit := range units {
		if codec == H264 && unit.bidirectional() {
			show(i)
			continue
		}
		if held >= 0 {
			show(held)
		}
		held = i
	}
	if held >= 0 {
		show(held)
	}
}

// bidirectional tells a B-frame of H.264 by the type of its first slice (ITU-T H.264 7.3.3, table 7-6).
func (u Unit) bidirectional() bool {
	for _, data := range u.NALs {
		if !lookH264(data).first {
			continue
		}
		pos := 0
		header := data[1:]
		if _, err := bits.ReadGolombUnsigned(header, &pos); err != nil { // first_mb_in_slice
			return false
		}
		kind, err := bits.ReadGolombUnsigned(header, &pos)
		return err == nil && kind%5 == 1
	}
	return false
}

package h264

// maxSuffix is the length of the longest first_mb_in_slice there is, in bits after its leading zeros and the one: that of level 6.2.
const maxSuffix = 17

// sliceBeginning reads the first two fields of a slice header (ITU-T H.264 section 7.3.3): first_mb_in_slice and slice_type. body is
// what follows the header of the NAL unit; it may end anywhere, and then nothing is known. Emulation prevention does not matter: two
// bytes of zeros and a small one cannot come together in these fields.
func sliceBeginning(body []byte) Content {
	bits := bitReader{data: body}
	first := bits.exponential()
	kind := bits.exponential()
	if bits.broken || kind > 9 {
		return 0
	}
	var found Content
	if first == 0 {
		found |= FirstSlice
	}
	if kind%5 == 1 { // 5 to 9 say the same as 0 to 4, and that all slices of the picture are of this type
		found |= BSlice
	}
	return found
}

// bitReader reads bits from the highest of the first byte on. Once broken it reads ones, so that whoever reads comes to an end.
type bitReader struct {
	data   []byte
	next   int // in bits
	broken bool
}

func (r *bitReader) bit() uint32 {
	if r.next == 8*len(r.data) {
		r.broken = true
		return 1
	}
	b := r.data[r.next/8] >> (7 - r.next%8)
	r.next++
	return uint32(b & 1)
}

// exponential reads an ue(v) (section 9.1).
func (r *bitReader) exponential() uint32 {
	length := 0
	for r.bit() == 0 {
		if length++; length > maxSuffix {
			r.broken = true
			return 0
		}
	}
	value := uint32(1)
	for range length {
		value = value<<1 | r.bit()
	}
	return value - 1
}

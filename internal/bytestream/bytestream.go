// Package bytestream takes pictures out of what programs and files write: byte streams of H.264 and H.265 (annex B), and MPEG-TS.
//
// The demuxer is our own, beside the one for our own encoder and those that Go has: readers made for broadcasts (go-astits, and on it
// mediacommon) learn the end of a picture from the start of the next, also where its length is told, and so give each one a picture late,
// which a camera with five pictures in a second shows; and the first thing they cannot read ends them. Here a picture goes on as soon as the
// stream shows that it is whole, see trust; what is damaged is left out and counted.
package bytestream

import "github.com/overshoot-ai/overshoot-agent/internal/camera"

// A Picture is one picture, coded.
type Picture struct {
	Data  []byte // NAL units with start codes; borrowed
	Key   bool   // decoding can begin here
	Stamp Stamp  // of its first byte
	Lost  int    // how many packets were lost since the picture before; in a byte stream 1 where a picture was
}

// A Stamp is what is known of when a picture is to be shown and decoded.
type Stamp struct {
	Show, Decode int64 // 90 kHz, any origin; they do not wrap
}

// maxPicture is the most bytes that a picture may have. A key frame of a 4K camera has less than two million.
const maxPicture = 8 << 20

// kindOf tells what a NAL unit means for where pictures begin. head is its first bytes, at least those that need gives.
func kindOf(codec camera.Codec, head []byte) unitKind {
	if codec == camera.H265 {
		return kindOf265(head)
	}
	return kindOf264(head)
}

// need is how many bytes of a unit kindOf must see.
func need(codec camera.Codec) int {
	if codec == camera.H265 {
		return 3
	}
	return 2
}

// unitKind is a set of bits.
type unitKind uint8

const (
	slice unitKind = 1 << iota // a part of a picture
	opens                      // after a slice, it begins the next picture
	key                        // of a picture where decoding can begin
)

// kindOf264 goes by ITU-T H.264 section 7.4.1.2.3. The first slice of a picture begins with first_mb_in_slice 0, which is a bit 1.
func kindOf264(head []byte) unitKind {
	switch kind := head[0] & 0x1f; kind {
	case 1, 2, 5:
		found := slice
		if kind == 5 {
			found |= key
		}
		if kind != 2 && head[1]&0x80 != 0 {
			found |= opens
		}
		return found
	case 6, 7, 8, 9, 14, 15, 16, 17, 18:
		return opens
	}
	return 0
}

// kindOf265 goes by ITU-T H.265 section 7.4.2.4.4. The first slice of a picture begins with first_slice_segment_in_pic_flag. Units of other
// layers belong to the picture in hand.
func kindOf265(head []byte) unitKind {
	if head[0]&1 != 0 || head[1]&0xf8 != 0 {
		return 0
	}
	switch kind := head[0] >> 1 & 0x3f; {
	case kind <= 9, kind >= 16 && kind <= 21:
		found := slice
		if kind >= 16 {
			found |= key
		}
		if head[2]&0x80 != 0 {
			found |= opens
		}
		return found
	case kind >= 32 && kind <= 35, kind == 39, kind >= 41 && kind <= 44, kind >= 48 && kind <= 55:
		return opens
	}
	return 0
}

package v4l2

import "strings"

// A FourCC names a pixel format or a codec, as in linux/videodev2.h.
type FourCC uint32

// Formats by the names that the kernel gives them.
const (
	YUYV  FourCC = 'Y' | 'U'<<8 | 'Y'<<16 | 'V'<<24 // 4:2:2 packed
	NV12  FourCC = 'N' | 'V'<<8 | '1'<<16 | '2'<<24 // 4:2:0, Y then interleaved UV, in one plane of memory
	I420  FourCC = 'Y' | 'U'<<8 | '1'<<16 | '2'<<24 // 4:2:0, Y, U, V, in one plane of memory; the kernel says YU12
	MJPEG FourCC = 'M' | 'J'<<8 | 'P'<<16 | 'G'<<24 // what webcams call motion JPEG
	JPEG  FourCC = 'J' | 'P'<<8 | 'E'<<16 | 'G'<<24 // the same by another name, of some older drivers
	H264  FourCC = 'H' | '2'<<8 | '6'<<16 | '4'<<24 // Annex B, one access unit in a buffer
	FWHT  FourCC = 'F' | 'W'<<8 | 'H'<<16 | 'T'<<24 // the codec of the kernel's test driver vicodec
)

// String is the name in letters, without the blanks that fill up short ones.
func (f FourCC) String() string {
	letters := []byte{byte(f), byte(f >> 8), byte(f >> 16), byte(f >> 24)}
	for i, c := range letters {
		if c < ' ' || c > '~' { // also the top bit, which stands for big-endian
			letters[i] = '?'
		}
	}
	return strings.TrimRight(string(letters), " ")
}

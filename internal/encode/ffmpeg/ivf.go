package encode

import (
	"encoding/binary"
	"time"
)

// IVF is the simplest container that ffmpeg reads: a header of 32 bytes, and 12 bytes before each picture with its length and timestamp.
// It was made for VP8, but the reader looks at the codec we name on the command line.
const (
	ivfHeader      = 32
	ivfFrameHeader = 12
)

// ivfStart returns the header of a stream.
func ivfStart() []byte {
	h := make([]byte, ivfHeader)
	copy(h, "DKIF")
	binary.LittleEndian.PutUint16(h[6:], ivfHeader)
	copy(h[8:], "H264") // some name it knows; the decoder comes from the command line, the size from the pictures
	binary.LittleEndian.PutUint32(h[16:], hertz)
	binary.LittleEndian.PutUint32(h[20:], 1)
	return h
}

// A frame is a picture ready to be written: its IVF header, and its bytes as ffmpeg wants them.
type frame struct {
	data    []byte
	key     bool // decoding can begin here
	shape   int  // pictures of different shapes need different encoders
	arrived time.Time
}

// complete fills in the header: the length of what follows it, and the timestamp at 90 kHz.
func (f *frame) complete(ticks int64) {
	binary.LittleEndian.PutUint32(f.data, uint32(len(f.data)-ivfFrameHeader))
	binary.LittleEndian.PutUint64(f.data[4:], uint64(ticks))
}

// appendUnits adds NAL units as a byte stream (ITU-T H.264 and H.265, annex B).
func (f *frame) appendUnits(units [][]byte) {
	for _, unit := range units {
		if len(unit) > 0 {
			f.data = append(f.data, 0, 0, 0, 1)
			f.data = append(f.data, unit...)
		}
	}
}

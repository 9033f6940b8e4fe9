package ffmpeg

import (
	"encoding/binary"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// IVF is the simplest container that ffmpeg reads: a header of 32 bytes, and 12 bytes before each picture with its length and timestamp.
// It was made for VP8, but the reader looks at the codec we name on the command line.
const (
	ivfHeader      = 32
	ivfFrameHeader = 12
)

// ivfStart returns the header of a stream. Of raw pictures it says how the samples lie, and the size; what else comes tells that by itself.
func ivfStart(job encode.Job) []byte {
	h := make([]byte, ivfHeader)
	copy(h, "DKIF")
	binary.LittleEndian.PutUint16(h[6:], ivfHeader)
	copy(h[8:], fourCC(job.Codec))
	if job.Codec.Raw() {
		binary.LittleEndian.PutUint16(h[12:], uint16(job.Width))
		binary.LittleEndian.PutUint16(h[14:], uint16(job.Height))
	}
	binary.LittleEndian.PutUint32(h[16:], encode.Hertz)
	binary.LittleEndian.PutUint32(h[20:], 1)
	return h
}

// fourCC returns the name by which ffmpeg knows the format of samples. For other codecs, which stand on the command line, it is some name that it
// knows.
func fourCC(c camera.Codec) string {
	switch c {
	case camera.YUYV:
		return "YUY2"
	case camera.NV12, camera.I420:
		return string(c)
	}
	return "H264"
}

// framed returns a picture behind its IVF header: the length of what follows it, and the timestamp at 90 kHz.
func framed(f *encode.Frame) []byte {
	var h [ivfFrameHeader]byte
	binary.LittleEndian.PutUint32(h[:], uint32(len(f.Data())))
	binary.LittleEndian.PutUint64(h[4:], uint64(f.Ticks))
	return f.With(h[:])
}

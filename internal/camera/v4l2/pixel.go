package v4l2

import (
	"slices"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// A pixel is a kind of picture that this source understands, as the kernel names it.
type pixel struct {
	code   kernel.FourCC
	codec  camera.Codec
	format Format // that asks for it
}

// pixels are all of them, best first: what a room shows as it is, then what costs an encoder least. Raw pictures are cheaper to encode than
// MJPEG, which must be decoded before, and the fewer bytes the better.
var pixels = [...]pixel{
	{kernel.H264, camera.H264, H264},
	{kernel.NV12, camera.NV12, NV12},
	{kernel.I420, camera.I420, I420},
	{kernel.YUYV, camera.YUYV, YUYV},
	{kernel.MJPEG, camera.MJPEG, MJPEG},
	{kernel.JPEG, camera.MJPEG, MJPEG}, // the same to us; some drivers call it so
}

// pixelOf returns what is known of a code.
func pixelOf(code kernel.FourCC) (pixel, bool) {
	i := slices.IndexFunc(pixels[:], func(p pixel) bool { return p.code == code })
	if i < 0 {
		return pixel{}, false
	}
	return pixels[i], true
}

// rank orders kinds of pictures by their cost: the lower the better.
func (p pixel) rank() int { return slices.Index(pixels[:], p) }

// wanted tells whether settings that ask for f may be answered by p.
func (p pixel) wanted(f Format) bool { return f == Auto || f == p.format }

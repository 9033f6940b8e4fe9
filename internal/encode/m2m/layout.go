package m2m

import (
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// A layout says where the lines of a picture go in a buffer of the device.
type layout struct {
	parts []part
	used  int // bytes of the buffer
}

// A part is one of the rectangles that a picture is made of: all of YUYV, the brightness of NV12, one of its colours.
type part struct {
	line, lines int // bytes of a line, and how many there are; in the picture they follow one another
	at, stride  int // where the first line goes in the buffer, and how far it is to the next
}

// layoutOf finds out how a picture of a size lies in a buffer of a format, which may be larger. The parts of NV12 and I420 lie behind one
// another, each in the height of the format; lines of colour are padded as those of brightness (V4L2 documents, "Planar YUV formats").
func layoutOf(f v4l2.Format, size v4l2.Size) (layout, error) {
	if len(f.Planes) != 1 {
		return layout{}, fmt.Errorf("its pictures of %v lie in %d pieces of memory", f.FourCC, len(f.Planes))
	}
	w, h, stride := size.Width, size.Height, f.Planes[0].Stride
	brightness := max(stride, w) * f.Height // bytes
	var parts []part
	switch f.FourCC {
	case v4l2.YUYV:
		parts = []part{{line: 2 * w, lines: h, stride: max(stride, 2*w)}}
	case v4l2.NV12:
		stride = max(stride, w)
		parts = []part{{line: w, lines: h, stride: stride}, {line: w, lines: h / 2, at: brightness, stride: stride}}
	case v4l2.I420:
		stride = max(stride, w)
		colour := stride / 2 * (f.Height / 2)
		parts = []part{
			{line: w, lines: h, stride: stride},
			{line: w / 2, lines: h / 2, at: brightness, stride: stride / 2},
			{line: w / 2, lines: h / 2, at: brightness + colour, stride: stride / 2},
		}
	default:
		return layout{}, fmt.Errorf("it takes pictures of %v", f.FourCC)
	}
	l := layout{parts: parts, used: f.Planes[0].Size}
	if end := l.end(); end > l.used {
		return layout{}, fmt.Errorf("a picture of %v and %dx%d takes %d bytes, and its buffers have %d", f.FourCC, w, h, end, l.used)
	}
	return l, nil
}

// end is where the last line ends in the buffer.
func (l layout) end() (end int) {
	for _, p := range l.parts {
		end = max(end, p.at+(p.lines-1)*p.stride+p.line)
	}
	return end
}

// put writes a picture without padding into a buffer.
func (l layout) put(buffer, picture []byte) {
	for _, p := range l.parts {
		if p.stride == p.line {
			picture = picture[copy(buffer[p.at:], picture[:p.line*p.lines]):]
			continue
		}
		for i := range p.lines {
			picture = picture[copy(buffer[p.at+i*p.stride:], picture[:p.line]):]
		}
	}
}

// size is how many bytes a picture has without padding.
func (l layout) size() (bytes int) {
	for _, p := range l.parts {
		bytes += p.line * p.lines
	}
	return bytes
}

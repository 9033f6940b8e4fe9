package v4l2

import "github.com/overshoot-ai/overshoot-agent/internal/camera"

// A layout says where the lines of a raw picture lie in a buffer. Drivers pad lines to what their hardware likes.
type layout struct {
	size   size // of the picture that is delivered: even, because colours come for two pixels at a time
	planes []area
}

// An area is a plane in a buffer, of which only a part is picture.
type area struct {
	width, lines int // of the picture, in bytes and lines
	stride, rows int // of the buffer
}

// layoutOf returns the layout of raw pictures of a size. The stride is that of the first plane, in bytes; it counts when it is large enough
// to be true.
func layoutOf(codec camera.Codec, s size, stride int) layout {
	even := size{s.width &^ 1, s.height &^ 1}
	halfWidth, halfHeight := (s.width+1)/2, (s.height+1)/2
	luma := area{even.width, even.height, max(stride, s.width), s.height}
	switch codec {
	case camera.YUYV:
		return layout{even, []area{{2 * even.width, even.height, max(stride, 4*halfWidth), s.height}}}
	case camera.NV12:
		return layout{even, []area{luma, {even.width, even.height / 2, max(luma.stride, 2*halfWidth), halfHeight}}}
	case camera.I420:
		chroma := area{even.width / 2, even.height / 2, max(luma.stride/2, halfWidth), halfHeight}
		return layout{even, []area{luma, chroma, chroma}}
	}
	return layout{}
}

// bytes is how many bytes a picture has when it is delivered.
func (l layout) bytes() (n int) {
	for _, a := range l.planes {
		n += a.lines * a.width
	}
	return n
}

// span is how many bytes of a buffer a picture takes. What would follow its last line need not be there.
func (l layout) span() (n int) {
	for i, a := range l.planes {
		if i == len(l.planes)-1 {
			return n + (a.lines-1)*a.stride + a.width
		}
		n += a.rows * a.stride
	}
	return n
}

// padded tells whether there is more in a buffer than the picture.
func (l layout) padded() bool { return l.bytes() != l.span() }

// pack appends the picture in data, which has at least span bytes, to dst without its padding.
func (l layout) pack(dst, data []byte) []byte {
	begin := 0
	for _, a := range l.planes {
		for line := range a.lines {
			at := begin + line*a.stride
			dst = append(dst, data[at:at+a.width]...)
		}
		begin += a.rows * a.stride
	}
	return dst
}

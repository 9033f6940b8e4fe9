package openh264

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// mostPixels is more than cameras have. A header of a few bytes may ask for all memory.
const mostPixels = 8192 * 8192

// planes makes 4:2:0 of pictures, in memory that it uses again.
type planes struct {
	out    image.YCbCr
	memory []byte
	narrow *ranges
}

// reserve makes room for a picture, whose sides are even.
func (p *planes) reserve(width, height int) *image.YCbCr {
	luma, chroma := width*height, width/2*(height/2)
	if cap(p.memory) < luma+2*chroma {
		p.memory = make([]byte, luma+2*chroma)
	}
	p.set(p.memory[:luma+2*chroma], width, height)
	return &p.out
}

// set lays the planes over samples of 4:2:0.
func (p *planes) set(samples []byte, width, height int) {
	luma, chroma := width*height, width/2*(height/2)
	p.out = image.YCbCr{
		Y: samples[:luma], Cb: samples[luma : luma+chroma], Cr: samples[luma+chroma : luma+2*chroma],
		YStride: width, CStride: width / 2, SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, width, height),
	}
}

// fromRaw takes samples of the size that was announced. The picture may lie over them.
func (p *planes) fromRaw(c camera.Codec, width, height int, samples []byte) *image.YCbCr {
	switch c {
	case camera.YUYV:
		p.fromYUYV(p.reserve(width, height), samples)
	case camera.NV12:
		out := p.reserve(width, height)
		p.out.Y = samples[:width*height]
		separate(out.Cb, out.Cr, samples[width*height:])
	default:
		p.set(samples, width, height)
	}
	return &p.out
}

// fromYUYV takes the colours of every other line: no eye and no model sees the difference to an average, which costs twice as much.
func (p *planes) fromYUYV(out *image.YCbCr, samples []byte) {
	width, half := out.YStride, out.CStride
	for y := range out.Rect.Dy() {
		line, luma := samples[y*width*2:][:width*2], out.Y[y*width:][:width]
		if y%2 == 1 {
			lumas(luma, line)
		} else {
			parts(luma, out.Cb[y/2*half:][:half], out.Cr[y/2*half:][:half], line)
		}
	}
}

// lumas takes every other byte of a line, sixteen at once as long as there are so many: byte by byte it takes three times as long.
func lumas(luma, line []byte) {
	for len(luma) >= 8 {
		from := line[:16]
		low, high := even(binary.LittleEndian.Uint64(from)), even(binary.LittleEndian.Uint64(from[8:]))
		binary.LittleEndian.PutUint64(luma, low|high<<32)
		luma, line = luma[8:], line[16:]
	}
	for i := range luma {
		luma[i] = line[2*i]
	}
}

// parts takes a line apart.
func parts(luma, u, v, line []byte) {
	for len(luma) >= 8 {
		from := line[:16]
		low, high := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		binary.LittleEndian.PutUint64(luma, even(low)|even(high)<<32)
		colours := even(low>>8) | even(high>>8)<<32 // U and V in turn
		binary.LittleEndian.PutUint32(u, uint32(even(colours)))
		binary.LittleEndian.PutUint32(v, uint32(even(colours>>8)))
		luma, u, v, line = luma[8:], u[4:], v[4:], line[16:]
	}
	for i := range u {
		luma[2*i], luma[2*i+1] = line[4*i], line[4*i+2]
		u[i], v[i] = line[4*i+1], line[4*i+3]
	}
}

// even puts every other byte of eight together.
func even(eight uint64) uint64 {
	eight &= 0x00ff00ff00ff00ff
	eight = (eight | eight>>8) & 0x0000ffff0000ffff
	return (eight | eight>>16) & 0xffffffff
}

// separate parts colours that come in turn.
func separate(u, v, both []byte) {
	for len(u) >= 8 {
		from := both[:16]
		low, high := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		binary.LittleEndian.PutUint64(u, even(low)|even(high)<<32)
		binary.LittleEndian.PutUint64(v, even(low>>8)|even(high>>8)<<32)
		u, v, both = u[8:], v[8:], both[16:]
	}
	for i := range u {
		u[i], v[i] = both[2*i], both[2*i+1]
	}
}

// fromJPEG decodes a file. A line or column too many, where a side is odd, is left out.
func (p *planes) fromJPEG(file []byte) (*image.YCbCr, error) {
	says, err := jpeg.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if int64(says.Width)*int64(says.Height) > mostPixels {
		return nil, fmt.Errorf("a picture of %dx%d", says.Width, says.Height)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	if p.narrow == nil {
		p.narrow = newRanges()
	}
	width, height := decoded.Bounds().Dx()&^1, decoded.Bounds().Dy()&^1
	if width == 0 || height == 0 {
		return nil, errors.New("a picture without lines")
	}
	out := p.reserve(width, height)
	switch in := decoded.(type) {
	case *image.YCbCr:
		p.narrow.lumas(out, in.Y, in.YStride)
		p.narrow.colours(out, in)
	case *image.Gray:
		p.narrow.lumas(out, in.Pix, in.Stride)
		for i := range out.Cb {
			out.Cb[i], out.Cr[i] = 128, 128
		}
	default:
		return nil, errors.New("a picture with colours that no camera makes")
	}
	return out, nil
}

// ranges say what the samples of JPEG, 0 to 255, are in video, 16 to 235 (colours to 240).
type ranges struct{ luma, colour [256]byte }

func newRanges() *ranges {
	r := &ranges{}
	for i := range 256 {
		r.luma[i] = byte(16 + (i*219+127)/255)
		r.colour[i] = byte(16 + (i*224+127)/255)
	}
	return r
}

func (r *ranges) lumas(out *image.YCbCr, samples []byte, stride int) {
	for y := range out.Rect.Dy() {
		from, to := samples[y*stride:][:out.YStride], out.Y[y*out.YStride:][:out.YStride]
		for i, s := range from {
			to[i] = r.luma[s]
		}
	}
}

// colours takes one of each four pictures points, however many the file has.
func (r *ranges) colours(out *image.YCbCr, in *image.YCbCr) {
	step := 1 // in the file's colours, from one of ours to the next
	switch in.SubsampleRatio {
	case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio440:
		step = 2
	}
	for y := range out.Rect.Dy() / 2 {
		at := in.COffset(in.Rect.Min.X, in.Rect.Min.Y+2*y)
		u, v := out.Cb[y*out.CStride:][:out.CStride], out.Cr[y*out.CStride:][:out.CStride]
		if in.SubsampleRatio == image.YCbCrSubsampleRatio411 || in.SubsampleRatio == image.YCbCrSubsampleRatio410 {
			for i := range u {
				u[i], v[i] = r.colour[in.Cb[at+i/2]], r.colour[in.Cr[at+i/2]]
			}
			continue
		}
		for i := range u {
			u[i], v[i] = r.colour[in.Cb[at+i*step]], r.colour[in.Cr[at+i*step]]
		}
	}
}

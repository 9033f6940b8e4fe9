package openh264

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// samples are of random pictures: no two neighbours are alike.
func samples(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	out := make([]byte, n)
	for i := range out {
		out[i] = byte(random.UintN(256))
	}
	return out
}

// Widths that are no multiple of what is handled at once have ends of their own.
func TestPlanesOfRawPictures(t *testing.T) {
	const height = 6
	for _, width := range []int{2, 4, 6, 8, 10, 14, 16, 18, 22, 30, 32, 34} {
		var p planes
		in := samples(width * height * 2)
		out := p.fromRaw(camera.YUYV, width, height, in)
		for y := range height {
			for x := range width {
				if got, want := out.Y[y*out.YStride+x], in[(y*width+x)*2]; got != want {
					t.Fatalf("YUYV, %d wide: luma at %d,%d is %d, want %d", width, x, y, got, want)
				}
				at := (y&^1*width + x&^1) * 2
				if u, v := out.Cb[out.COffset(x, y)], out.Cr[out.COffset(x, y)]; u != in[at+1] || v != in[at+3] {
					t.Fatalf("YUYV, %d wide: colour at %d,%d is %d %d, want %d %d", width, x, y, u, v, in[at+1], in[at+3])
				}
			}
		}
		in = samples(width * height * 3 / 2)
		out = p.fromRaw(camera.NV12, width, height, in)
		for i := range out.Cb {
			if at := width*height + 2*i; out.Cb[i] != in[at] || out.Cr[i] != in[at+1] {
				t.Fatalf("NV12, %d wide: colour %d is %d %d, want %d %d", width, i, out.Cb[i], out.Cr[i], in[at], in[at+1])
			}
		}
		if !bytes.Equal(out.Y, in[:width*height]) {
			t.Fatalf("NV12, %d wide: another luma", width)
		}
		out = p.fromRaw(camera.I420, width, height, in)
		if got := append(append(bytes.Clone(out.Y), out.Cb...), out.Cr...); !bytes.Equal(got, in) {
			t.Fatalf("I420, %d wide: other samples", width)
		}
	}
}

// What a JPEG calls black and white, video calls 16 and 235. Colours stay where they are, whatever the file's subsampling, and odd sides lose a line.
func TestPlanesOfJPEG(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440,
		image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		in := image.NewYCbCr(image.Rect(0, 0, 17, 9), ratio)
		for i := range in.Y {
			in.Y[i] = byte(i * 255 / (len(in.Y) - 1))
		}
		for y := range 9 {
			for x := range 17 { // halves
				in.Cb[in.COffset(x, y)], in.Cr[in.COffset(x, y)] = byte(min(x/8, 1)*255), byte(min(y/4, 1)*255)
			}
		}
		p := planes{narrow: newRanges()}
		out := p.reserve(16, 8)
		p.narrow.lumas(out, in.Y, in.YStride)
		p.narrow.colours(out, in)
		if first, last := out.Y[0], out.Y[7*16+15]; first != 16 || last < 200 || last > 235 {
			t.Errorf("%v: luma goes from %d to %d", ratio, first, last)
		}
		for y := range 8 {
			for x := range 16 {
				u, v := 16+224*(x/8), 16+224*(y/4)
				if got := out.YCbCrAt(x, y); int(got.Cb) != u || int(got.Cr) != v {
					t.Fatalf("%v: colour at %d,%d is %d %d, want %d %d", ratio, x, y, got.Cb, got.Cr, u, v)
				}
			}
		}
	}
}

func TestGreyJPEG(t *testing.T) {
	img := image.NewGray(image.Rect(0, 0, 33, 17))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, img, nil); err != nil {
		t.Fatal(err)
	}
	var p planes
	out, err := p.fromJPEG(file.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if out.Rect != image.Rect(0, 0, 32, 16) || out.YCbCrAt(31, 15) != (color.YCbCr{Y: 235, Cb: 128, Cr: 128}) {
		t.Errorf("%v, with %v", out.Rect, out.YCbCrAt(31, 15))
	}
}

func FuzzJPEG(f *testing.F) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewYCbCr(image.Rect(0, 0, 18, 10), image.YCbCrSubsampleRatio420), nil); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte{0xff, 0xd8, 0xff, 0xda, 0, 0})
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xc4, 0xff, 0xff})
	tables := standardTables()
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 12 && bytes.Contains(file, []byte{0xff, 0xc0}) && len(file) > 1<<12 {
			return // a header may ask for pictures that take long
		}
		var p planes
		if out, err := p.fromJPEG(complete(file, tables)); err == nil && (out.Rect.Dx()%2 != 0 || out.Rect.Dy()%2 != 0) {
			t.Errorf("sides of %v", out.Rect)
		}
	})
}

func BenchmarkYUYV(b *testing.B) {
	var p planes
	in := samples(1280 * 720 * 2)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		p.fromRaw(camera.YUYV, 1280, 720, in)
	}
}

func BenchmarkNV12(b *testing.B) {
	var p planes
	in := samples(1280 * 720 * 3 / 2)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		p.fromRaw(camera.NV12, 1280, 720, in)
	}
}

// On boards with 32 bits the product of its sides is no number any more.
func TestAJPEGThatAsksForAllMemory(t *testing.T) {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, 8, 8)), nil); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(file.Bytes(), []byte{0xff, 0xc0})
	copy(file.Bytes()[at+5:], []byte{0xff, 0xff, 0xff, 0xff})
	var p planes
	if out, err := p.fromJPEG(file.Bytes()); err == nil || err.Error() != "a picture of 65535x65535" {
		t.Errorf("got %v, %v", out, err)
	}
}

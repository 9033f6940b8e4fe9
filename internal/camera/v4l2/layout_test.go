package v4l2

import (
	"bytes"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"pgregory.net/rapid"
)

// pictureOf fills a buffer as a driver does: each sample tells plane, line and column, what pads the lines is noise.
func pictureOf(t *rapid.T, codec camera.Codec, s size, stride int) (padded, tight []byte) {
	halfWidth, halfHeight := (s.width+1)/2, (s.height+1)/2
	evenWidth, evenHeight := s.width&^1, s.height&^1
	plane := func(number, rows, lines, bytes, width, stride int) {
		for y := range rows {
			for x := range stride {
				sample := byte(0xee)
				if x < bytes {
					sample = byte(number*101 + y*7 + x*3)
				}
				padded = append(padded, sample)
				if x < width && y < lines {
					tight = append(tight, sample)
				}
			}
		}
	}
	switch codec {
	case camera.YUYV:
		plane(1, s.height, evenHeight, 4*halfWidth, 2*evenWidth, stride)
	case camera.NV12:
		plane(1, s.height, evenHeight, s.width, evenWidth, stride)
		plane(2, halfHeight, evenHeight/2, 2*halfWidth, evenWidth, stride)
	case camera.I420:
		plane(1, s.height, evenHeight, s.width, evenWidth, stride)
		plane(2, halfHeight, evenHeight/2, halfWidth, evenWidth/2, stride/2)
		plane(3, halfHeight, evenHeight/2, halfWidth, evenWidth/2, stride/2)
	}
	return padded, tight
}

func TestPaddingIsTakenOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codec := rapid.SampledFrom([]camera.Codec{camera.YUYV, camera.NV12, camera.I420}).Draw(t, "codec")
		s := size{rapid.IntRange(2, 40).Draw(t, "width"), rapid.IntRange(2, 20).Draw(t, "height")}
		least := (s.width + 1) / 2 * 2
		if codec == camera.YUYV {
			least *= 2
		}
		stride := least + 2*rapid.IntRange(0, 9).Draw(t, "padding")
		buffer, want := pictureOf(t, codec, s, stride)
		v := &kept{}
		if !newDelivery(v, codec, layoutOf(codec, s, stride)).deliver(buffer, 7, 2) {
			t.Fatal("the picture is not whole")
		}
		if p := v.packets[0]; !bytes.Equal(p.Payload, want) || p.Timestamp != 7 || p.Lost != 2 || !p.Marker {
			t.Fatalf("%d bytes, want %d:\n%x\n%x", len(p.Payload), len(want), p.Payload, want)
		}
	})
}

// A buffer that ends before its picture does is not delivered, and nothing outside of it is touched, whatever the driver says of its lines.
func TestShortPicturesAreLeftOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		codec := rapid.SampledFrom([]camera.Codec{camera.YUYV, camera.NV12, camera.I420}).Draw(t, "codec")
		s := size{rapid.IntRange(2, 40).Draw(t, "width"), rapid.IntRange(2, 20).Draw(t, "height")}
		l := layoutOf(codec, s, rapid.IntRange(0, 200).Draw(t, "stride"))
		buffer := make([]byte, rapid.IntRange(0, 9000).Draw(t, "bytes"))
		v := &kept{}
		whole := newDelivery(v, codec, l).deliver(buffer[:len(buffer):len(buffer)], 7, 0)
		if whole != (len(buffer) >= l.span()) || whole != (len(v.packets) == 1) {
			t.Fatalf("of %d bytes %d are there, and whole is %v", l.span(), len(buffer), whole)
		}
		if whole && len(v.packets[0].Payload) != l.bytes() {
			t.Fatalf("%d bytes, want %d", len(v.packets[0].Payload), l.bytes())
		}
	})
}

func TestSizesOfPictures(t *testing.T) {
	for codec, want := range map[camera.Codec]int{camera.YUYV: 1280 * 720 * 2, camera.NV12: 1280 * 720 * 3 / 2, camera.I420: 1280 * 720 * 3 / 2} {
		if l := layoutOf(codec, size{1280, 720}, 0); l.bytes() != want || l.padded() {
			t.Errorf("%s: %d bytes, padded %v", codec, l.bytes(), l.padded())
		}
		if l := layoutOf(codec, size{1281, 721}, 0); l.bytes() != want || l.size != (size{1280, 720}) {
			t.Errorf("%s: of an odd size %d bytes, %s", codec, l.bytes(), l.size)
		}
	}
}

func TestWhatADriverSaysOfItsPicturesIsWeighed(t *testing.T) {
	for _, tc := range []struct {
		width, height, stride int
		want                  bool
	}{
		{640, 480, 1280, true},
		{2, 2, 0, true},
		{maxSide, maxSide, 4 * maxSide, true},
		{0, 480, 0, false},
		{640, 1, 1280, false},
		{-1, 480, 0, false},
		{maxSide + 1, 480, 0, false},
		{640, 1 << 30, 0, false},
		{640, 480, 1 << 30, false},
	} {
		f := kernel.Format{FourCC: kernel.YUYV, Width: tc.width, Height: tc.height, Planes: []kernel.Plane{{Stride: tc.stride}}}
		if got := credible(f); got != tc.want {
			t.Errorf("%dx%d with lines of %d bytes: %v", tc.width, tc.height, tc.stride, got)
		}
	}
	if f := (kernel.Format{FourCC: kernel.YUYV, Width: 640, Height: 480}); credible(f) {
		t.Error("a picture without memory")
	}
}

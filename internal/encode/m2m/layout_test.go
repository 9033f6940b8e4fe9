package m2m

import (
	"bytes"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"pgregory.net/rapid"
)

// bcm2835-codec pads lines to 32 bytes, others also lines at the end.
func TestLinesGoWhereTheDeviceWantsThem(t *testing.T) {
	size := v4l2.Size{Width: 4, Height: 4}
	for _, c := range []struct {
		name    string
		format  v4l2.Format
		picture string
		want    string
	}{
		{
			"YUYV",
			v4l2.Format{FourCC: v4l2.YUYV, Width: 4, Height: 4, Planes: []v4l2.Plane{{Stride: 10, Size: 40}}},
			"aaaaaaaabbbbbbbbccccccccdddddddd", "aaaaaaaa..bbbbbbbb..cccccccc..dddddddd..",
		},
		{
			"NV12, more lines",
			v4l2.Format{FourCC: v4l2.NV12, Width: 4, Height: 6, Planes: []v4l2.Plane{{Stride: 6, Size: 54}}},
			"aaaabbbbccccddddxyxyzwzw", "aaaa..bbbb..cccc..dddd..............xyxy..zwzw........",
		},
		{
			"I420, more columns",
			v4l2.Format{FourCC: v4l2.I420, Width: 8, Height: 4, Planes: []v4l2.Plane{{Stride: 8, Size: 48}}},
			"aaaabbbbccccdddduuvvxxyy", "aaaa....bbbb....cccc....dddd....uu..vv..xx..yy..",
		},
		{
			"I420, as it is",
			v4l2.Format{FourCC: v4l2.I420, Width: 4, Height: 4, Planes: []v4l2.Plane{{Stride: 4, Size: 24}}},
			"aaaabbbbccccdddduuvvxxyy", "aaaabbbbccccdddduuvvxxyy",
		},
		{
			"without a stride",
			v4l2.Format{FourCC: v4l2.NV12, Width: 4, Height: 4, Planes: []v4l2.Plane{{Size: 24}}},
			"aaaabbbbccccddddxyxyzwzw", "aaaabbbbccccddddxyxyzwzw",
		},
	} {
		l, err := layoutOf(c.format, size)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		buffer := bytes.Repeat([]byte{'.'}, c.format.Planes[0].Size)
		l.put(buffer, []byte(c.picture))
		if string(buffer) != c.want || l.size() != len(c.picture) || l.used != len(buffer) {
			t.Errorf("%s: %q (%d bytes of %d), want %q", c.name, buffer, l.used, l.size(), c.want)
		}
	}
}

func TestBuffersThatAreTooSmall(t *testing.T) {
	size := v4l2.Size{Width: 4, Height: 4}
	for _, f := range []v4l2.Format{
		{FourCC: v4l2.NV12, Width: 4, Height: 4, Planes: []v4l2.Plane{{Stride: 4, Size: 23}}},
		{FourCC: v4l2.YUYV, Width: 4, Height: 4, Planes: []v4l2.Plane{{Stride: 9, Size: 34}}},
		{FourCC: v4l2.NV12, Width: 4, Height: 4, Planes: []v4l2.Plane{{Stride: 4, Size: 16}, {Stride: 4, Size: 8}}},
		{FourCC: v4l2.MJPEG, Width: 4, Height: 4, Planes: []v4l2.Plane{{Size: 1 << 20}}},
	} {
		if l, err := layoutOf(f, size); err == nil {
			t.Errorf("%+v: %+v", f, l)
		}
	}
}

// Whatever a driver answers, nothing is written outside of the buffer, and nothing of the picture is lost.
func TestAnyLayoutHoldsThePicture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		even := func(name string, most int) int { return 2 * rapid.IntRange(1, most/2).Draw(t, name) }
		size := v4l2.Size{Width: even("width", 32), Height: even("height", 32)}
		f := v4l2.Format{
			FourCC: rapid.SampledFrom([]v4l2.FourCC{v4l2.YUYV, v4l2.NV12, v4l2.I420}).Draw(t, "format"),
			Width:  size.Width + even("more columns", 16) - 2, Height: size.Height + even("more lines", 16) - 2,
		}
		f.Planes = []v4l2.Plane{{Stride: 2 * rapid.IntRange(0, 64).Draw(t, "stride"), Size: rapid.IntRange(0, 8000).Draw(t, "size")}}
		l, err := layoutOf(f, size)
		if err != nil {
			return
		}
		picture := make([]byte, l.size())
		for i := range picture {
			picture[i] = byte(i%255) + 1
		}
		buffer := make([]byte, f.Planes[0].Size)
		l.put(buffer, picture)
		written := slices.DeleteFunc(buffer, func(b byte) bool { return b == 0 })
		if !bytes.Equal(written, picture) {
			t.Fatalf("%+v of %+v: %d bytes of %d are there, or in another order", l, f, len(written), len(picture))
		}
	})
}

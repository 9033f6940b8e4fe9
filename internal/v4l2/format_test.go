package v4l2

import (
	"reflect"
	"testing"
)

// What is asked for and what is answered lie in different places for devices with planes and without.
func TestFormatsInBothLayouts(t *testing.T) {
	asked := Format{FourCC: H264, Width: 1280, Height: 720, Planes: []Plane{{Size: 500_000}}}
	for _, kind := range []uint32{1, 2, 9, 10} {
		m := formatMessage{Kind: kind}
		m.ask(asked)
		if got := m.format(); !reflect.DeepEqual(got, asked) {
			t.Errorf("kind %d: %+v", kind, got)
		}
	}
}

func TestFormatOfManyPlanes(t *testing.T) {
	m := formatMessage{Kind: 9}
	m.multi().Count = 200 // no driver may make us read behind the planes
	m.multi().Field = 4
	if got := m.format(); len(got.Planes) != maxPlanes || !got.Interlaced {
		t.Errorf("%+v", got)
	}
}

func TestFourCCInLetters(t *testing.T) {
	for f, want := range map[FourCC]string{
		YUYV: "YUYV", I420: "YU12", H264: "H264", 'Y' | '8'<<8 | ' '<<16 | ' '<<24: "Y8", 7: "????", YUYV | 1<<31: "YUY?",
	} {
		if got := f.String(); got != want {
			t.Errorf("%#x: %q, want %q", uint32(f), got, want)
		}
	}
}

func TestSidesAndTheirBuffers(t *testing.T) {
	for _, c := range []struct {
		caps            Caps
		capture, output uint32
	}{
		{capCapture, 1, 2},
		{capCaptureMultiplanar, 9, 2},
		{capM2M, 1, 2},
		{capM2MMultiplanar, 9, 10},
		{capCapture | capOutputMultiplanar, 1, 10},
	} {
		d := &Device{info: Info{Caps: c.caps}}
		if got := d.kind(Capture); got != c.capture {
			t.Errorf("%#x: capture has type %d, want %d", c.caps, got, c.capture)
		}
		if got := d.kind(Output); got != c.output {
			t.Errorf("%#x: output has type %d, want %d", c.caps, got, c.output)
		}
	}
}

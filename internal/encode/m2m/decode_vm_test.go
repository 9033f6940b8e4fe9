//go:build vm

package m2m_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// decode has vicodec's decoder make pictures again, and returns the last of them without padding, as it was given to the encoder.
func decode(t *testing.T, units []unit, j encode.Job) []byte {
	t.Helper()
	d := decoder(t)
	_, err := d.SetFormat(v4l2.Output, v4l2.Format{FourCC: v4l2.FWHT, Width: j.Width, Height: j.Height})
	check(t, err)
	check(t, d.Subscribe(v4l2.EventSourceChange))
	in, err := d.OutputQueue(len(units))
	check(t, err)
	check(t, in.Start())
	for _, u := range units {
		check(t, in.Write(0, func(planes [][]byte) error {
			planes[0] = planes[0][:copy(planes[0], u.bytes)]
			return nil
		}))
	}
	format := raw(t, d, j)
	out, err := d.CaptureQueue(len(units))
	check(t, err)
	check(t, out.Start())
	var last []byte
	for range units {
		for {
			_, err := d.Wait(t.Context(), v4l2.Readable, 10*time.Second)
			check(t, err)
			err = out.Read(func(p v4l2.Picture) error {
				last = bytes.Clone(p.Planes[0])
				return nil
			})
			if !errors.Is(err, v4l2.ErrAgain) {
				check(t, err)
				break
			}
		}
	}
	return unpad(last, format, j)
}

// raw waits until the decoder knows what it has got, and asks for the pictures as they were.
func raw(t *testing.T, d *v4l2.Device, j encode.Job) v4l2.Format {
	t.Helper()
	fourCC := map[camera.Codec]v4l2.FourCC{camera.YUYV: v4l2.YUYV, camera.NV12: v4l2.NV12, camera.I420: v4l2.I420}[j.Codec]
	_, err := d.Wait(t.Context(), v4l2.Eventful, 10*time.Second)
	check(t, err)
	f, err := d.Format(v4l2.Capture)
	check(t, err)
	f.FourCC = fourCC
	f, err = d.SetFormat(v4l2.Capture, f)
	check(t, err)
	if f.FourCC != fourCC {
		t.Fatalf("the decoder makes %+v", f)
	}
	return f
}

func decoder(t *testing.T) *v4l2.Device {
	t.Helper()
	nodes, err := v4l2.List()
	check(t, err)
	for _, n := range nodes {
		if n.Info.Driver != "vicodec" {
			continue
		}
		d, err := v4l2.Open(n.Path)
		check(t, err)
		formats, err := d.Formats(v4l2.Output)
		check(t, err)
		if slices.ContainsFunc(formats, func(f v4l2.FormatDescription) bool { return f.FourCC == v4l2.FWHT }) {
			t.Cleanup(func() { check(t, d.Close()) })
			return d
		}
		check(t, d.Close())
	}
	t.Fatal("no decoder")
	return nil
}

// unpad takes a picture out of a larger one.
func unpad(b []byte, f v4l2.Format, j encode.Job) []byte {
	var picture []byte
	cut := func(b []byte, stride, width, height int) {
		for y := range height {
			picture = append(picture, b[y*stride:][:width]...)
		}
	}
	stride := f.Planes[0].Stride
	switch j.Codec {
	case camera.YUYV:
		cut(b, stride, 2*j.Width, j.Height)
	case camera.NV12:
		cut(b, stride, j.Width, j.Height)
		cut(b[stride*f.Height:], stride, j.Width, j.Height/2)
	case camera.I420:
		cut(b, stride, j.Width, j.Height)
		cut(b[stride*f.Height:], stride/2, j.Width/2, j.Height/2)
		cut(b[stride*f.Height*5/4:], stride/2, j.Width/2, j.Height/2)
	}
	return picture
}

// compare looks whether a picture that was encoded and decoded is the one that it was.
func compare(t *testing.T, j encode.Job, got []byte) {
	t.Helper()
	want := gradient(j)
	if len(got) != len(want) {
		t.Fatalf("%d bytes instead of %d", len(got), len(want))
	}
	far, sum := 0, 0
	for i := range want {
		off := int(got[i]) - int(want[i])
		off = max(off, -off)
		if sum += off; off > 40 {
			far++
		}
	}
	t.Logf("off by %.2f on average, %d of %d far off", float64(sum)/float64(len(want)), far, len(want))
	if sum > 8*len(want) || far > len(want)/100 {
		t.Errorf("it is another picture")
	}
}

//go:build vm

package v4l2_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// nodeWith is the path of the first node of a driver that offers a format.
func nodeWith(t *testing.T, driver string, side v4l2.Side, format v4l2.FourCC) string {
	t.Helper()
	nodes, err := v4l2.List()
	check(t, err)
	for _, n := range nodes {
		if n.Info.Driver != driver {
			continue
		}
		if formats, _ := open(t, n.Path).Formats(side); slices.ContainsFunc(formats, func(f v4l2.FormatDescription) bool { return f.FourCC == format }) {
			return n.Path
		}
	}
	t.Fatalf("no %s with %v among %+v", driver, format, nodes)
	return ""
}

// An encoder takes pictures on one side and gives the coded ones on the other, with the times of the pictures.
func TestEncoder(t *testing.T) {
	d := open(t, nodeWith(t, "vicodec", v4l2.Capture, v4l2.FWHT))
	if !d.Info().Caps.M2M() || d.Info().Caps.Capture() || d.Info().Caps.Output() {
		t.Errorf("%+v", d.Info())
	}
	if _, err := d.SetInterval(v4l2.Fraction{Numerator: 1, Denominator: 30}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an interval: %v", err)
	}
	check(t, d.Subscribe(v4l2.EventEndOfStream))
	raw, err := d.SetFormat(v4l2.Output, v4l2.Format{FourCC: v4l2.NV12, Width: 640, Height: 360})
	check(t, err)
	coded, err := d.SetFormat(v4l2.Capture, v4l2.Format{FourCC: v4l2.FWHT, Width: raw.Width, Height: raw.Height})
	check(t, err)
	if raw.FourCC != v4l2.NV12 || coded.FourCC != v4l2.FWHT {
		t.Fatalf("%+v -> %+v", raw, coded)
	}
	in, err := d.OutputQueue(4)
	check(t, err)
	out, err := d.CaptureQueue(4)
	check(t, err)
	check(t, in.Start())
	check(t, out.Start())

	const pictures = 20
	var got []time.Duration
	read := func() {
		check(t, next(t, d, out, func(p v4l2.Picture) error {
			if len(p.Planes) != 1 || len(p.Planes[0]) == 0 || p.Broken {
				t.Errorf("picture %d: %+v", len(got), p)
			}
			got = append(got, p.Timestamp)
			return nil
		}))
	}
	for i := range pictures {
		check(t, in.Write(time.Duration(i)*33*time.Millisecond, func(planes [][]byte) error {
			if len(planes) != 1 || len(planes[0]) < raw.Planes[0].Size {
				return fmt.Errorf("%d planes", len(planes))
			}
			planes[0] = planes[0][:raw.Planes[0].Size]
			planes[0][i] = byte(i)
			return nil
		}))
		read()
	}
	check(t, d.Drain())
	for err = nil; err == nil; {
		err = next(t, d, out, func(p v4l2.Picture) error {
			if !p.Last || len(p.Planes[0]) != 0 {
				t.Errorf("after the last picture: %+v", p)
			}
			return nil
		})
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("a drained encoder says %v", err)
	}
	if e, err := d.Event(); err != nil || e.Kind != v4l2.EventEndOfStream {
		t.Errorf("event %+v, %v", e, err)
	}
	for i, ts := range got {
		if ts != time.Duration(i)*33*time.Millisecond {
			t.Errorf("picture %d has the time %v", i, ts)
		}
	}
	if busy, err := in.Busy(); err != nil || busy != 0 {
		t.Errorf("%d buffers busy, %v", busy, err)
	}
}

func TestEncoderThatIsFull(t *testing.T) {
	d := open(t, nodeWith(t, "vicodec", v4l2.Capture, v4l2.FWHT))
	in, err := d.OutputQueue(3)
	check(t, err)
	check(t, in.Start())
	mine := errors.New("mine")
	if err := in.Write(0, func([][]byte) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("Write returned %v", err)
	}
	for range in.Buffers() { // nothing is encoded while the other side stands still
		check(t, in.Write(0, func([][]byte) error { return nil }))
	}
	for range 2 {
		if err := in.Write(0, func([][]byte) error { panic("called") }); !errors.Is(err, v4l2.ErrAgain) {
			t.Errorf("Write returned %v", err)
		}
		check(t, in.Stop())
		check(t, in.Start())
		for range in.Buffers() {
			check(t, in.Write(0, func([][]byte) error { return nil }))
		}
	}
}

// What one program writes to a loopback another reads: JPEG files of any length, as a webcam sends them.
func TestLoopback(t *testing.T) {
	path := loopback(t)
	feeder := open(t, path)
	asked := v4l2.Format{FourCC: v4l2.MJPEG, Width: 640, Height: 480, Planes: []v4l2.Plane{{Size: 1 << 20}}}
	f, err := feeder.SetFormat(v4l2.Output, asked)
	check(t, err)
	in, err := feeder.OutputQueue(2)
	check(t, err)
	check(t, in.Start())
	write := func(i int) {
		check(t, in.Write(0, func(planes [][]byte) error {
			planes[0] = planes[0][:copy(planes[0], file(i))]
			return nil
		}))
	}
	write(0)

	d := open(t, path)
	if !d.Info().Caps.Capture() {
		t.Fatalf("%+v, format %+v", d.Info(), f)
	}
	q, got := start(t, d, asked)
	if got.FourCC != v4l2.MJPEG || got.Planes[0].Size == 0 {
		t.Fatalf("%+v", got)
	}
	last := 0
	for i := 1; last < 10; i++ {
		write(i)
		check(t, next(t, d, q, func(p v4l2.Picture) error {
			for last <= i && !bytes.Equal(p.Planes[0], file(last)) {
				last++
			}
			if last > i {
				t.Errorf("a picture of %d bytes that was not written", len(p.Planes[0]))
			}
			return nil
		}))
	}
}

func file(i int) []byte { return bytes.Repeat([]byte{byte(i + 1)}, 1000+100*i) }

// loopback is the path of one that nobody writes to.
func loopback(t *testing.T) string {
	t.Helper()
	nodes, err := v4l2.List()
	check(t, err)
	i := slices.IndexFunc(nodes, func(n v4l2.Node) bool { return n.Why == v4l2.Display })
	if i < 0 {
		t.Fatalf("no loopback among %+v", nodes)
	}
	return nodes[i].Path
}

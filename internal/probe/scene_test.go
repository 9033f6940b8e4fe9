package probe_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/probe"
)

var (
	// Constrained Baseline, level 4.0, 1920x1080, 30 fps.
	sps = []byte{0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc9, 0x20}
	pps = []byte{0x68, 0xce, 0x3c, 0x80}
	// Main, level 1.0, 64x64, 10 fps, two pictures reordered.
	reorderingSPS = []byte{0x67, 0x4d, 0x40, 0x0a, 0xec, 0xa2, 0x13, 0x60, 0x22, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x28, 0x1e, 0x24, 0x4b, 0x2c}
	// Main, level 2.1, 320x240 interlaced, 25 fps.
	interlacedSPS = []byte{0x67, 0x4d, 0x40, 0x15, 0xf2, 0x02, 0x82, 0x1f, 0x97, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x21, 0xf1, 0x42, 0xa4, 0x80}

	// H.265, Main, level 1.0, 64x64, 10 fps.
	vps265 = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e, 0x95, 0x98, 0x09}
	sps265 = []byte{0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x1e, 0xa0, 0x20, 0x81, 0x05, 0x96, 0x56, 0x69, 0x24, 0xca, 0xf0, 0x16, 0x80, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x05, 0x04}
	pps265 = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x22, 0x40}
)

// The headers of slices: the first of its picture, and of the given kind.
var (
	sliceI = []byte{0x65, 0x88}
	sliceP = []byte{0x41, 0x9a}
	sliceB = []byte{0x01, 0x9e}
)

// unit is a NAL unit of a size that begins with a header.
func unit(header []byte, size int) []byte {
	return append(bytes.Clone(header), bytes.Repeat([]byte{0xff}, size-len(header))...)
}

// fragments are a slice of H.265 of this type in three packets.
func fragments(kind byte) [][]byte {
	const start, end = 0x80, 0x40
	return [][]byte{unit([]byte{0x62, 0x01, start | kind, 0xaf}, 500), unit([]byte{0x62, 0x01, kind}, 500), unit([]byte{0x62, 0x01, end | kind}, 500)}
}

// A scene is a camera for tests: 25 pictures of 1000 bytes a second, the 50th of which are key frames of 10 000 bytes.
type scene struct {
	format camera.Format
	gop    int
	report camera.Report
	change func(n int, picture []camera.Packet) []camera.Packet // nil: it sends what it should
	late   func(n int) time.Duration                            // nil: each is in time
	end    func(n int) error                                    // nil: it goes on
}

func plain() *scene {
	return &scene{format: camera.Format{Codec: camera.H264, Sets: [][]byte{sps, pps}}, gop: 50}
}

const (
	interval   = time.Second / 25
	connecting = 80 * time.Millisecond
	asking     = 20 * time.Millisecond // from the agreement to the first picture
)

func (s *scene) String() string        { return "rtsp://10.0.0.21:554/live" }
func (s *scene) Report() camera.Report { return s.report }

func (s *scene) Run(ctx context.Context, r camera.Receiver) error {
	time.Sleep(connecting)
	r.Begin(s.format)
	start := time.Now().Add(asking)
	for n := 0; ; n++ {
		due := time.Duration(n) * interval
		if s.late != nil {
			due += s.late(n)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(start.Add(due))):
		}
		if s.end != nil {
			if err := s.end(n); err != nil {
				return err
			}
		}
		for _, p := range s.picture(n) {
			p.Payload = bytes.Clone(p.Payload)
			r.Packet(p)
		}
	}
}

// picture makes the packets of one picture.
func (s *scene) picture(n int) []camera.Packet {
	units := [][]byte{unit(sliceP, 1000)}
	if n%s.gop == 0 {
		units = [][]byte{sps, pps, unit(sliceI, 10_000)}
	}
	if s.format.Codec == camera.MJPEG {
		units = [][]byte{photo(320, 240)}
	}
	packets := packetsOf(n, units...)
	if s.change != nil {
		packets = s.change(n, packets)
	}
	return packets
}

// packetsOf makes the units of picture n packets.
func packetsOf(n int, units ...[]byte) (packets []camera.Packet) {
	for i, u := range units {
		packets = append(packets, camera.Packet{Payload: u, Timestamp: 1<<32 - 90_000 + uint32(n)*3600, Marker: i == len(units)-1})
	}
	return packets
}

func photo(width, height int) []byte {
	var file bytes.Buffer
	if err := jpeg.Encode(&file, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		panic(err) // writing to a buffer does not fail
	}
	return file.Bytes()
}

// encoders is a machine on which these encoders work, and others do not.
type encoders struct {
	working string
	asked   int
}

func (e *encoders) Verdicts(context.Context, encode.Job) ([]encode.Verdict, error) {
	e.asked++
	all := []encode.Verdict{{Encoder: "h264_vaapi", Class: encode.HardwareChild, Err: errors.New("no device")}, {Encoder: "libx264", Class: encode.SoftwareChild, Err: errors.New("not built in")}}
	for i := range all {
		if all[i].Encoder == e.working {
			all[i].Err = nil
		}
	}
	return all, nil
}

// look probes a scene in virtual time.
func look(t *testing.T, s camera.Source, length time.Duration) (r *probe.Report, took time.Duration) {
	t.Helper()
	return lookWith(t, s, probe.Options{Length: length, Encoders: &encoders{working: "libx264"}})
}

func lookWith(t *testing.T, s camera.Source, o probe.Options) (r *probe.Report, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r = probe.Run(t.Context(), s, o)
		took = time.Since(start)
	})
	return r, took
}

// text is what people read.
func text(t *testing.T, r *probe.Report) string {
	t.Helper()
	var page strings.Builder
	if err := r.Print(&page); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

// wantText fails the test unless all words stand on the page.
func wantText(t *testing.T, r *probe.Report, words ...string) {
	t.Helper()
	page := text(t, r)
	for _, w := range words {
		if !strings.Contains(page, w) {
			t.Errorf("the report does not say %q:\n%s", w, page)
		}
	}
}

func wantOutcome(t *testing.T, r *probe.Report, want probe.Outcome) {
	t.Helper()
	if r.Verdict.Outcome != want || r.Verdict.Usable() != (want == probe.Pass || want == probe.Transcode) {
		t.Errorf("the verdict is %+v, want %s:\n%s", r.Verdict, want, text(t, r))
	}
}

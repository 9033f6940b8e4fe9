package gstreamer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

func unscrubbed(text string) string { return text }

// software is the same with an encoder that every machine has: all but NVIDIA's two elements.
func software() *Kind {
	k := New("gst-launch-1.0", unscrubbed)
	k.encoders = []encoder{{name: "x264enc", class: encode.SoftwareChild, elements: func(width, height, bitrate int) string {
		return fmt.Sprintf("videoconvert ! videoscale ! video/x-raw,format=I420,width=%d,height=%d"+
			" ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=%d key-int-max=%d byte-stream=true"+
			" ! video/x-h264,profile=constrained-baseline,stream-format=byte-stream", width, height, bitrate/1000, group)
	}}}
	return k
}

func TestItPassesTheTrial(t *testing.T) {
	encoders := encode.NewEncoders(software(), ffmpeg.New("ffmpeg", unscrubbed)) // ffmpeg decodes
	verdicts, err := encoders.Verdicts(t.Context(), encode.Job{Codec: camera.I420, Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Encoder == "x264enc" && v.Err != nil {
			t.Error(v.Err)
		}
	}
}

func TestWhereTheElementsAreMissingItSaysSo(t *testing.T) {
	verdicts, err := encode.NewEncoders(New("gst-launch-1.0", unscrubbed)).Verdicts(t.Context(), encode.Job{Codec: camera.I420, Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(verdicts[0].Err); !strings.Contains(got, "nvvidconv") {
		t.Errorf("got %s", got)
	}
	verdicts, err = encode.NewEncoders(New("no-such-program", unscrubbed)).Verdicts(t.Context(), encode.Job{Codec: camera.I420, Width: 64, Height: 48})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(verdicts[0].Err); !strings.HasPrefix(got, "looking for no-such-program: ") {
		t.Errorf("got %s", got)
	}
}

type tape chan camera.Packet

func (c tape) Packet(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	c <- p
}

// However irregular the camera's clock: each picture has the timestamp of the one it was made of. The size is that of the job.
func TestPicturesKeepTheirTime(t *testing.T) {
	out := make(tape, 1000)
	tr := encode.New(encode.Options{
		Codec: camera.YUYV, MaxHeight: 120, Encoders: encode.NewEncoders(software()), Log: zap.NewNop(),
		Metrics: encode.NewVectors(prometheus.NewRegistry()).Camera("yard"), Patience: time.Minute,
	})
	tr.Begin(camera.Format{Codec: camera.YUYV, Width: 322, Height: 240})
	ctx, end := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tr.Run(ctx, out) }()
	defer func() { end(); <-done }()
	picture := make([]byte, 322*240*2)
	for n := range 40 {
		stamp := uint32(n*n*100 + 1<<32 - 20_000)
		tr.Write(encode.Picture{Units: [][]byte{picture}, Timestamp: stamp})
		for {
			p := <-out
			if p.Timestamp != stamp {
				t.Fatalf("picture %d is of %d, want %d", n, p.Timestamp, stamp)
			}
			if h264.Look(p.Payload).Has(h264.SPS) {
				if f, err := h264.ParseSPS(p.Payload); err != nil || f.Width != 160 && f.Width != 162 || f.Height != 120 {
					t.Errorf("it is %v, %v", f, err)
				}
			}
			if p.Marker {
				break
			}
		}
	}
}

// Lines whose length is no multiple of four bytes are not padded, as GStreamer would have it.
func TestPicturesOfEverySize(t *testing.T) {
	const width, height = 642, 482
	for _, codec := range []camera.Codec{camera.YUYV, camera.NV12, camera.I420} {
		picture := bytes.Repeat([]byte{128}, width*height*3/2)
		step := 1 // from luma to luma
		if codec == camera.YUYV {
			picture, step = bytes.Repeat([]byte{128}, width*height*2), 2
		}
		for i := range width * height {
			picture[i*step] = byte(40 + i%width/(width/2)*160)
		}
		out := make(tape, 1000)
		ctx, end := context.WithCancel(t.Context())
		tr := encode.New(encode.Options{
			Codec: codec, Encoders: encode.NewEncoders(software()), Log: zap.NewNop(),
			Metrics: encode.NewVectors(prometheus.NewRegistry()).Camera("yard"), Patience: time.Minute,
		})
		tr.Begin(camera.Format{Codec: codec, Width: width, Height: height})
		var both sync.WaitGroup
		both.Go(func() { _ = tr.Run(ctx, out) })
		both.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				tr.Write(encode.Picture{Units: [][]byte{picture}, Timestamp: uint32(n * 3000)})
				time.Sleep(time.Second / 30)
			}
		})
		var stream []byte
		for range 3 {
			stream = append(stream, out.picture()...)
		}
		end()
		both.Wait()
		left, right, err := ffmpeg.New("ffmpeg", unscrubbed).Shades(t.Context(), stream)
		if err != nil || left > 60 || right < 180 {
			t.Errorf("%s: left is %d, right %d; %v", codec, left, right, err)
		}
	}
}

// picture takes one picture, as a byte stream.
func (c tape) picture() (stream []byte) {
	for p := range c {
		part, fragment := h264.ParseFragment(p.Payload)
		switch {
		case !fragment:
			stream = append(append(stream, 0, 0, 0, 1), p.Payload...)
		case part.Start:
			stream = append(append(append(stream, 0, 0, 0, 1), part.Header), part.Body...)
		default:
			stream = append(stream, part.Body...)
		}
		if p.Marker {
			return stream
		}
	}
	return stream
}

func TestFit(t *testing.T) {
	for _, tc := range []struct{ width, height, most, wantWidth, wantHeight int }{
		{1280, 720, 0, 1280, 720},
		{1280, 720, 720, 1280, 720},
		{640, 480, 720, 640, 480},
		{1920, 1080, 720, 1280, 720},
		{1600, 1200, 481, 640, 480},
		{322, 240, 120, 162, 120},
	} {
		width, height := fit(encode.Job{Width: tc.width, Height: tc.height, MaxHeight: tc.most})
		if width != tc.wantWidth || height != tc.wantHeight {
			t.Errorf("%dx%d at most %d: got %dx%d", tc.width, tc.height, tc.most, width, height)
		}
	}
}

// framed is a packet as GStreamer writes it.
func framed(t testing.TB, timestamp uint32, marker bool, payload ...byte) []byte {
	t.Helper()
	packet, err := (&rtp.Packet{Header: rtp.Header{Version: 2, Timestamp: timestamp, Marker: marker}, Payload: payload}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(packet))), packet...)
}

func TestReceiver(t *testing.T) {
	stream := bytes.Join([][]byte{
		framed(t, 0, false, 0x67, 1), framed(t, 0, true, 0x65, 2),
		framed(t, 2999, false, 0x7c, 0x81, 3), framed(t, 2999, false, 0x7c, 0x01, 4), framed(t, 2999, true, 0x7c, 0x41, 5),
		framed(t, 9001, true, 0x61, 6), framed(t, 12000, true, 0x61, 7)[:9], // the third was left out, the last is cut
	}, nil)
	var got []string
	if err := new(receiver).run(bytes.NewReader(stream), func(picture []byte, number int) {
		got = append(got, fmt.Sprintf("%d: %x", number, picture))
	}); err != nil {
		t.Fatal(err)
	}
	want := "0: 0000000167010000000165 02, 1: 0000000161030405, 3: 000000016106"
	if joined := strings.Join(got, ", "); joined != strings.ReplaceAll(want, "65 02", "6502") {
		t.Errorf("got %s", joined)
	}
}

func TestReceiverAfterTheWrap(t *testing.T) {
	var r receiver
	var stream []byte
	const far = 1_500_000 // pictures, more than half a day
	for n := 0; n < far; n += 1000 {
		stream = append(stream, framed(t, uint32(n*step), true, 0x61, 1)...)
	}
	last := 0
	if err := r.run(bytes.NewReader(stream), func(_ []byte, number int) { last = number }); err != nil || last != far-1000 {
		t.Errorf("the last is %d, want %d; error %v", last, far-1000, err)
	}
}

func TestReceiverRefusesOtherThings(t *testing.T) {
	if err := new(receiver).run(bytes.NewReader(make([]byte, 100)), func([]byte, int) {}); err == nil {
		t.Error("zeros are RTP")
	}
	if err := new(receiver).run(broken{}, func([]byte, int) {}); err == nil || !strings.HasSuffix(err.Error(), "the disk is not there") {
		t.Errorf("got %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is not there") }

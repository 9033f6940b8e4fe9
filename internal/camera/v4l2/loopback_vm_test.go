//go:build vm

// A loopback device is the camera here: what one program writes into it, another reads as a camera's pictures.
package v4l2_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// feed writes pictures into a loopback until the test ends or stop is called: those that make returns, by their number.
func feed(t *testing.T, device string, f kernel.Format, make func(n int) []byte) (stop func()) {
	t.Helper()
	d, err := kernel.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.SetFormat(kernel.Output, f); err != nil {
		t.Fatal(err)
	}
	q, err := d.OutputQueue(4)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Start(); err != nil {
		t.Fatal(err)
	}
	over, ended := newSignal(), newSignal()
	go func() {
		defer ended.give()
		defer func() { _ = d.Close() }()
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for n := 0; ; n++ {
			if err := write(q, n, make(n)); err != nil {
				t.Errorf("feeding %s: %v", device, err)
				return
			}
			select {
			case <-ticker.C:
			case <-over.given:
				return
			}
		}
	}()
	stop = func() {
		over.give()
		<-ended.given
	}
	t.Cleanup(stop)
	return stop
}

func write(q *kernel.OutputQueue, n int, picture []byte) error {
	err := q.Write(time.Duration(n+1)*20*time.Millisecond, func(planes [][]byte) error {
		planes[0] = planes[0][:copy(planes[0], picture)]
		return nil
	})
	if errors.Is(err, kernel.ErrAgain) {
		return nil
	}
	return err
}

// jpegOf returns a picture of a size as a JPEG file.
func jpegOf(t *testing.T, width, height int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, width, height)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestMJPEG(t *testing.T) {
	device := "/dev/video10"
	file := jpegOf(t, 640, 480)
	feed(t, device, kernel.Format{FourCC: kernel.MJPEG, Width: 640, Height: 480}, func(n int) []byte {
		switch n % 10 {
		case 3:
			return file[:len(file)/2] // what a full bus makes of it
		case 6:
			return make([]byte, 100)
		}
		return file
	})
	s := sourceOf(t, "device: "+device+"\nfps: 100")
	a := run(t, s)
	if f := next(t, a.begun, a); f.Codec != camera.MJPEG {
		t.Errorf("the format is %+v", f)
	}
	for p := next(t, a.packets, a); !bytes.Equal(p.Payload, file); {
		p = next(t, a.packets, a) // until one has ended it is not known that this camera writes the end of its files
	}
	damaged := 0
	for range 30 {
		p := next(t, a.packets, a)
		if !bytes.Equal(p.Payload, file) || !p.Marker {
			t.Fatalf("%d bytes of %d, marker %v", len(p.Payload), len(file), p.Marker)
		}
		damaged += p.Lost
	}
	if damaged < 4 {
		t.Errorf("%d were counted as lost", damaged)
	}
	if got := fact(s, camera.FactChosen); got[:13] != "MJPEG 640x480" {
		t.Errorf("chosen %q", got)
	}
	quickly(t, a)
}

func TestH264(t *testing.T) {
	device := "/dev/video10"
	sps, pps := []byte{0x67, 0x42, 0xc0, 0x1f, 0x8c, 0x68}, []byte{0x68, 0xce, 0x3c, 0x80}
	key, rest := bytes.Repeat([]byte{0x65, 0x88}, 2000), bytes.Repeat([]byte{0x41, 0x9a}, 40)
	feed(t, device, kernel.Format{FourCC: kernel.H264, Width: 1280, Height: 720}, func(n int) []byte {
		delimiter := []byte{9, 0xf0}
		if n%5 == 0 {
			return annexB(delimiter, sps, pps, key)
		}
		return annexB(delimiter, binary.BigEndian.AppendUint32(bytes.Clone(rest), uint32(n)|1<<24|1))
	})
	a := run(t, sourceOf(t, "device: "+device))
	if f := next(t, a.begun, a); f.Codec != camera.H264 {
		t.Errorf("the format is %+v", f)
	}
	for p := next(t, a.packets, a); !bytes.Equal(p.Payload, sps); {
		p = next(t, a.packets, a)
	}
	if p := next(t, a.packets, a); !bytes.Equal(p.Payload, pps) || p.Marker {
		t.Errorf("after the SPS comes %x", p.Payload)
	}
	var whole []byte // of the key frame
	for marker := false; !marker; {
		p := next(t, a.packets, a)
		if len(p.Payload) > camera.MaxPayload || p.Payload[0]&0x1f != 28 {
			t.Fatalf("%d bytes that begin with %x", len(p.Payload), p.Payload[:2])
		}
		whole, marker = append(whole, p.Payload[2:]...), p.Marker
	}
	if !bytes.Equal(whole, key[1:]) {
		t.Errorf("the key frame has %d bytes, want %d", len(whole)+1, len(key))
	}
	if p := next(t, a.packets, a); p.Lost == 0 && (p.Payload[0] != 0x41 || !p.Marker) {
		t.Errorf("the next picture begins with %x, marker %v", p.Payload[0], p.Marker)
	}
}

func annexB(units ...[]byte) (stream []byte) {
	for _, u := range units {
		stream = append(append(stream, 0, 0, 0, 1), u...)
	}
	return stream
}

// A camera that answers with less than its own format takes is given up, with what was seen.
func TestPicturesThatAreTooShort(t *testing.T) {
	device := "/dev/video10"
	feed(t, device, kernel.Format{FourCC: kernel.MJPEG, Width: 640, Height: 480}, func(int) []byte { return []byte("no picture") })
	a := run(t, sourceOf(t, "device: "+device))
	wantFault(t, end(t, a), camera.Protocol, "pictures in a row were damaged", "10 bytes", "another cable")
}

func TestWhatIsNoCamera(t *testing.T) {
	for device, says := range map[string]string{
		"/dev/null":                       "inappropriate ioctl",
		"/dev/video11":                    "start the program that writes to it",
		node(t, "stateful-encoder"):       "turns pictures into others",
		"/dev/v4l/by-id/no-such-camera-0": "is the camera plugged in?",
	} {
		reason := camera.NotFound
		if _, err := os.Stat(device); err != nil {
			reason = camera.Unreachable
		}
		a := run(t, sourceOf(t, "device: "+device))
		wantFault(t, end(t, a), reason, device, says)
	}
}

func TestAFormatThatTheCameraHasNot(t *testing.T) {
	a := run(t, sourceOf(t, fmt.Sprintf("device: %s\nformat: h264", node(t, single))))
	wantFault(t, end(t, a), camera.WrongCodec, "has no h264", "YUYV", "format: auto")
}

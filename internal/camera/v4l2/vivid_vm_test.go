//go:build vm

// These tests want real devices, as scripts/vm/test.sh makes them: three cameras of the kernel's test driver vivid (a webcam, one that is
// multi-planar, a capture card with HDMI), an encoder, and two loopback devices.
package v4l2_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

const (
	single      = "vivid-000-vid-cap"
	multiplanar = "vivid-001-vid-cap"
)

// node returns the device that has a name now.
func node(t testing.TB, name string) string {
	t.Helper()
	if path, ok := nodeNow(name); ok {
		return path
	}
	t.Fatalf("there is no device %s", name)
	return ""
}

func nodeNow(name string) (string, bool) {
	files, _ := filepath.Glob("/sys/class/video4linux/video*/name")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(text)) == name {
			return filepath.Join("/dev", filepath.Base(filepath.Dir(file))), true
		}
	}
	return "", false
}

// setControl turns a knob of a camera, as another program would.
func setControl(t testing.TB, device, name string, value int32) {
	t.Helper()
	d, err := kernel.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	all, err := d.Controls()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.Name == name {
			if err := d.SetControl(c.ID, value); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return
		}
	}
	t.Fatalf("%s has no control %q", device, name)
}

func TestRawPictures(t *testing.T) {
	for _, name := range []string{single, multiplanar} {
		for _, tc := range []struct {
			format        string
			codec         camera.Codec
			width, height int
			bytes         int
		}{
			{"yuyv", camera.YUYV, 640, 480, 640 * 480 * 2},
			{"nv12", camera.NV12, 640, 480, 640 * 480 * 3 / 2},
			{"i420", camera.I420, 640, 360, 640 * 360 * 3 / 2},
			{"yuyv", camera.YUYV, 1280, 720, 1280 * 720 * 2},
			{"nv12", camera.NV12, 1280, 720, 1280 * 720 * 3 / 2},
		} {
			t.Run(fmt.Sprint(name, tc.format, tc.height), func(t *testing.T) {
				s := sourceOf(t, fmt.Sprintf("device: %s\nwidth: %d\nheight: %d\nfps: 5\nformat: %s", node(t, name), tc.width, tc.height, tc.format))
				a := run(t, s)
				if f := next(t, a.begun, a); f.Codec != tc.codec || f.Width != tc.width || f.Height != tc.height {
					t.Errorf("the format is %+v", f)
				}
				first := next(t, a.packets, a)
				last, lost := first, 0
				for range 4 {
					p := next(t, a.packets, a)
					if len(p.Payload) != tc.bytes || !p.Marker {
						t.Fatalf("%d bytes, marker %v", len(p.Payload), p.Marker)
					}
					if step := int32(p.Timestamp - last.Timestamp); step <= 0 {
						t.Errorf("%d ticks after the one before", step)
					}
					last, lost = p, lost+p.Lost
				}
				// One picture at 5 fps is 18000 ticks. A slow machine is late for some, and makes up for it.
				if took := last.Timestamp - first.Timestamp; took < 2*18000 || took > uint32(6+lost)*18000 {
					t.Errorf("4 pictures took %d ticks, %d were lost", took, lost)
				}
				wantPattern(t, tc.codec, last.Payload, tc.width, tc.height)
				if got, want := fact(s, camera.FactChosen), fmt.Sprintf("%s %dx%d at 5 fps", tc.codec, tc.width, tc.height); got != want {
					t.Errorf("chosen %q, want %q", got, want)
				}
			})
		}
	}
}

// wantPattern checks that every line of a picture shows vivid's colour bars: white at the left, dark at the right.
func wantPattern(t *testing.T, codec camera.Codec, picture []byte, width, height int) {
	t.Helper()
	step := 1
	if codec == camera.YUYV {
		step = 2
	}
	for y := height / 2; y < height; y++ { // text is in the upper half
		left, right := picture[step*(y*width+width/16)], picture[step*(y*width+width-width/16)]
		if left < 150 || right > 60 {
			t.Fatalf("line %d begins with %d and ends with %d", y, left, right)
		}
	}
}

func TestTheNearestIsTaken(t *testing.T) {
	s := sourceOf(t, fmt.Sprintf("device: %s\nwidth: 600\nheight: 500\nfps: 11", node(t, single)))
	a := run(t, s)
	if f := next(t, a.begun, a); f.Codec != camera.NV12 || f.Width != 640 || f.Height != 480 {
		t.Errorf("the format is %+v", f)
	}
	if got, want := fact(s, "nearest"), "asked for 600x500 at 11 fps, and the camera's nearest is NV12 640x480 at 10 fps (another size and rate)"; got != want {
		t.Errorf("the report says %q, want %q", got, want)
	}
	if got := fact(s, camera.FactServer); got != "vivid (vivid, platform:vivid-000)" {
		t.Errorf("the report says %q", got)
	}
}

func TestControlsAreSet(t *testing.T) {
	device := node(t, single)
	setControl(t, device, "Brightness", 128)
	s := sourceOf(t, "device: "+device+"\ncontrols: {brightness: 77, contrast: 999, no_such: 1}")
	a := run(t, s)
	next(t, a.begun, a)
	d, err := kernel.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if got, err := d.Control(0x00980900); err != nil || got != 77 {
		t.Errorf("the brightness is %d, %v", got, err)
	}
	if got := fact(s, "refused"); !strings.Contains(got, "contrast: found 999") || !strings.Contains(got, "no_such: ") {
		t.Errorf("refused %q", got)
	}
	setControl(t, device, "Brightness", 128)
}

// quickly checks that an attempt ends within a second of being stopped.
func quickly(t *testing.T, a *attempt) {
	t.Helper()
	since := time.Now()
	a.stop()
	select {
	case <-a.ended:
	case <-time.After(time.Second):
		t.Errorf("still running %v after it was stopped", time.Since(since))
		<-a.ended
	}
}

func TestACameraThatGoesSilentIsLeftAtOnce(t *testing.T) {
	device := node(t, single)
	a := run(t, sourceOf(t, "device: "+device+"\nwidth: 320\nheight: 180"))
	next(t, a.packets, a)
	setControl(t, device, "Percentage of Dropped Buffers", 100)
	defer setControl(t, device, "Percentage of Dropped Buffers", 0)
	for quiet := false; !quiet; {
		select {
		case <-a.packets:
		case <-time.After(500 * time.Millisecond):
			quiet = true
		}
	}
	quickly(t, a)
}

// wantLost waits for a packet that says that some were lost before it. At 5 pictures a second none get lost by themselves.
func wantLost(t *testing.T, a *attempt) {
	t.Helper()
	for range 20 {
		if next(t, a.packets, a).Lost > 0 {
			return
		}
	}
	t.Error("nothing was counted as lost")
}

func TestDroppedPicturesAreCounted(t *testing.T) {
	device := node(t, single)
	a := run(t, sourceOf(t, "device: "+device+"\nwidth: 320\nheight: 180\nfps: 5"))
	next(t, a.packets, a)
	setControl(t, device, "Percentage of Dropped Buffers", 50)
	defer setControl(t, device, "Percentage of Dropped Buffers", 0)
	wantLost(t, a)
}

func TestAFatalErrorIsExplainedAndSurvived(t *testing.T) {
	device := node(t, single)
	s := sourceOf(t, "device: "+device+"\nwidth: 320\nheight: 180")
	for range 3 {
		a := run(t, s)
		next(t, a.packets, a)
		setControl(t, device, "Inject Fatal Streaming Error", 1)
		wantFault(t, end(t, a), camera.Protocol, "input/output error", "try another cable")
	}
}

func TestDamagedPicturesAreLeftOut(t *testing.T) {
	device := node(t, single)
	a := run(t, sourceOf(t, "device: "+device+"\nwidth: 320\nheight: 180\nfps: 5"))
	next(t, a.packets, a)
	setControl(t, device, "Inject V4L2_BUF_FLAG_ERROR", 1)
	wantLost(t, a)
}

func TestADeviceThatIsTaken(t *testing.T) {
	device := node(t, single)
	a := run(t, sourceOf(t, "device: "+device+"\nwidth: 320\nheight: 180"))
	next(t, a.packets, a)
	b := run(t, sourceOf(t, "device: "+device+"\nwidth: 640\nheight: 480"))
	wantFault(t, end(t, b), camera.Busy, device, "another program has the camera: stop another camera of this agent")
	quickly(t, a)
}

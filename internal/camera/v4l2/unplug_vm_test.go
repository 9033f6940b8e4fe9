//go:build vm

package v4l2_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
)

const driver = "/sys/bus/platform/drivers/vivid/"

// unplug takes the cameras away, as pulling their cable does.
func unplug(t *testing.T) { tell(t, driver+"unbind") }

// plug brings them back.
func plug(t *testing.T) { tell(t, driver+"bind") }

func tell(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("vivid.0"), 0); err != nil {
		t.Fatal(err)
	}
}

// hold opens a device and keeps it, as a program does that has not noticed yet: so its number stays taken. At the end of the test it lets
// go, and the cameras get their numbers back.
func hold(t *testing.T, device string) {
	t.Helper()
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = f.Close()
		if _, there := nodeNow(single); there {
			unplug(t)
		}
		plug(t)
	})
}

const small = "\nwidth: 320\nheight: 180\nfps: 30"

// wantPictures starts an attempt, and checks that pictures come within 3 seconds of a time.
func wantPictures(t *testing.T, s *v4l2.Source, since time.Time) *attempt {
	t.Helper()
	a := run(t, s)
	next(t, a.packets, a)
	if took := time.Since(since); took > 3*time.Second {
		t.Errorf("pictures came after %v", took)
	}
	return a
}

// The camera comes back under another number, and its source finds it there; when that goes as well, it is found at home.
func TestACameraThatComesBackUnderAnotherNumber(t *testing.T) {
	device := node(t, single)
	s := sourceOf(t, "device: "+device+small)
	a := run(t, s)
	next(t, a.packets, a)
	hold(t, device)
	unplug(t)
	wantFault(t, end(t, a), camera.Closed, "no such device", "waiting for it to come back")

	a = run(t, s)
	wantFault(t, end(t, a), camera.Unreachable, device+" is not there", "is the camera plugged in?", "discover")

	plug(t)
	moved := node(t, single)
	if moved == device {
		t.Fatalf("the camera is %s again: nothing is tried", moved)
	}
	a = wantPictures(t, s, time.Now())
	if got := fact(s, camera.FactAddress); got != moved {
		t.Errorf("opened %s, want %s", got, moved)
	}
	if got := fact(s, "moved"); !strings.Contains(got, moved) {
		t.Errorf("the report says %q", got)
	}
	quickly(t, a)
}

// Who waits for a camera sees it come.
func TestACameraIsWaitedFor(t *testing.T) {
	device := node(t, single)
	unplug(t)
	s := sourceOf(t, "device: "+device+small)
	a := run(t, s)
	wantFault(t, end(t, a), camera.Unreachable, device+" is not there")
	time.AfterFunc(700*time.Millisecond, func() { plug(t) })
	s.Await(t.Context())
	a = wantPictures(t, s, time.Now())
	s.Await(t.Context()) // it is there: at once
	quickly(t, a)
}

// Links are followed anew each time.
func TestALinkIsFollowed(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "usb-Vivid_0001-video-index0")
	lead := func(to string) {
		_ = os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	device := node(t, single)
	lead(device)
	s := sourceOf(t, "device: "+link+small)
	a := run(t, s)
	next(t, a.packets, a)
	hold(t, device)
	unplug(t)
	wantFault(t, end(t, a), camera.Closed)
	if err := os.Remove(link); err != nil { // the system removes it with the device
		t.Fatal(err)
	}
	a = run(t, s)
	wantFault(t, end(t, a), camera.Unreachable, link)
	plug(t)
	moved := node(t, single)
	time.AfterFunc(300*time.Millisecond, func() { lead(moved) }) // and makes a new one a moment later
	s.Await(t.Context())
	a = run(t, s)
	next(t, a.packets, a)
	if got := fact(s, camera.FactAddress); got != moved || moved == device {
		t.Errorf("opened %s, want %s, before it was %s", got, moved, device)
	}
	quickly(t, a)
}

// Another camera that has the number now is not shown for the one that is meant.
func TestAStrangerIsNotTaken(t *testing.T) {
	device := node(t, single)
	s := sourceOf(t, "device: "+device+small)
	a := run(t, s)
	next(t, a.packets, a)
	unplug(t)
	_ = end(t, a)
	t.Cleanup(func() { plug(t) })
	other := "/dev/video11"
	if err := os.Rename(other, device); err != nil { // what the kernel may do while the camera is away
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Rename(device, other); err != nil {
			t.Error(err)
		}
	})
	a = run(t, s)
	wantFault(t, end(t, a), camera.Unreachable, device+` is "Dummy video device`, `"vivid-000-vid-cap" (vivid.0) is not there`)
}

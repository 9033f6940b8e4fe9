package v4l2_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

var (
	_ camera.Source   = (*v4l2.Source)(nil)
	_ camera.Reporter = (*v4l2.Source)(nil)
	_ camera.Awaiter  = (*v4l2.Source)(nil)
)

// section parses the settings of a source.
func section(t testing.TB, text string) config.Section {
	t.Helper()
	s, err := config.ParseSection("c.yaml", "type: v4l2\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sourceOf makes a source of settings that are right.
func sourceOf(t testing.TB, text string) *v4l2.Source {
	t.Helper()
	c, err := v4l2.Decode(section(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return v4l2.New(c)
}

// wantFault checks the reason of an error and what it says.
func wantFault(t *testing.T, err error, reason camera.Reason, says ...string) {
	t.Helper()
	if _, ok := errors.AsType[*camera.Fault](err); !ok || camera.ReasonOf(err) != reason {
		t.Fatalf("got %q of %v, want %q", camera.ReasonOf(err), err, reason)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error does not say %q: %v", text, err)
		}
	}
}

// nobody is a receiver that must not be given anything.
type nobody struct{ t *testing.T }

func (n nobody) Begin(f camera.Format)  { n.t.Errorf("a session began: %+v", f) }
func (n nobody) Packet(p camera.Packet) { n.t.Errorf("a packet came: %+v", p) }

func TestADeviceThatIsNotThere(t *testing.T) {
	for _, device := range []string{"/dev/video4711", "/dev/v4l/by-id/usb-046d_no_such_camera-video-index0"} {
		s := sourceOf(t, "device: "+device)
		wantFault(t, s.Run(t.Context(), nobody{t}), camera.Unreachable, device+" is not there", "is the camera plugged in?", "discover")
		if r := s.Report(); len(r.Facts) > 0 {
			t.Errorf("the report of nothing has %v", r.Facts)
		}
	}
}

func TestADeviceThatIsNoCamera(t *testing.T) {
	s := sourceOf(t, "device: /dev/null")
	wantFault(t, s.Run(t.Context(), nobody{t}), camera.NotFound, "/dev/null", "that is no camera")
	s.Await(t.Context()) // it is there
}

// Who waits for a device waits for as long as it is not there.
func TestWaitingEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	sourceOf(t, "device: /dev/video4711").Await(ctx)
	if ctx.Err() == nil {
		t.Error("it returned before")
	}
}

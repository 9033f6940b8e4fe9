package v4l2

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

// door is a source whose device is there, so that only the error counts.
func door() *Source {
	return New(Config{Device: "/dev/null", Width: 640, Height: 480, FPS: 15, Format: Auto})
}

func TestErrorsOfTheKernelAreExplained(t *testing.T) {
	for errno, want := range map[unix.Errno]struct {
		reason camera.Reason
		says   string
	}{
		unix.ENOENT:     {camera.Unreachable, "is the camera plugged in?"},
		unix.EACCES:     {camera.Auth, "group video"},
		unix.EPERM:      {camera.Auth, "device-cgroup-rule"},
		unix.EBUSY:      {camera.Busy, "another program has the camera"},
		unix.ENOSPC:     {camera.Busy, "the USB bus is full"},
		unix.ENODEV:     {camera.Closed, "unplugged"},
		unix.ENXIO:      {camera.Closed, "unplugged"},
		unix.EIO:        {camera.Protocol, "another cable"},
		unix.EPROTO:     {camera.Protocol, "another cable"},
		unix.ETIMEDOUT:  {camera.Protocol, "another cable"},
		unix.ENOMEM:     {camera.Protocol, "memory"},
		unix.ENOTTY:     {camera.NotFound, "discover"},
		unix.ENOLINK:    {camera.WrongCodec, "rpicam-vid"},
		unix.EOPNOTSUPP: {camera.Protocol, "operation not supported"},
	} {
		err := door().fault("/dev/null", "starting", fmt.Errorf("/dev/null: VIDIOC_STREAMON: %w", errno))
		f, ok := errors.AsType[*camera.Fault](err)
		if !ok || f.Reason != want.reason || !strings.Contains(f.Error(), want.says) || !strings.HasPrefix(f.Error(), "starting: /dev/null: VIDIOC_STREAMON: ") {
			t.Errorf("%v: %q: %v", errno, camera.ReasonOf(err), err)
		}
	}
}

// What fails on a device that is gone failed because it is gone.
func TestAFailureOfADeviceThatIsGone(t *testing.T) {
	err := door().fault("/dev/video-that-is-gone", "waiting for pictures", unix.EIO)
	if camera.ReasonOf(err) != camera.Closed {
		t.Errorf("%q of %v", camera.ReasonOf(err), err)
	}
}

func TestWhatIsNoFault(t *testing.T) {
	panicked := guard.Run(func() error { panic("a mistake") })
	for _, err := range []error{nil, context.Canceled, panicked} {
		if got := door().fault("/dev/null", "waiting", err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestWhatADeviceIs(t *testing.T) {
	info := kernel.Info{Card: "C920", Driver: "uvcvideo"}
	for why, says := range map[kernel.Reason]string{
		kernel.Converter: "turns pictures into others", kernel.Metadata: "has no pictures", kernel.NoPictures: "has no pictures",
		kernel.Display: "start the program that writes to it",
	} {
		if err := refusal(info, why); camera.ReasonOf(err) != camera.NotFound || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", why, err)
		}
	}
	for _, why := range []kernel.Reason{"", kernel.RawSensor, kernel.Idle} {
		if err := refusal(info, why); err != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
}

// A chain of devices that nobody has set up refuses to start in ways that mean something else of a webcam.
func TestAChainThatIsNotReady(t *testing.T) {
	for _, errno := range []unix.Errno{unix.EPIPE, unix.ENOLINK, unix.EINVAL} {
		if err := unready("", errno); err != errno {
			t.Errorf("a webcam: %v", err)
		}
		if err := unready(kernel.RawSensor, errno); camera.ReasonOf(err) != camera.WrongCodec || !errors.Is(err, errno) {
			t.Errorf("a chain: %v", err)
		}
	}
	if err := unready(kernel.RawSensor, unix.EBUSY); err != unix.EBUSY {
		t.Errorf("a chain that is busy: %v", err)
	}
}

func TestFormatsThatAreOfNoUse(t *testing.T) {
	raw := offer{foreign: []string{"pBAA", "RG10"}}
	for _, tc := range []struct {
		offer offer
		wish  wish
		says  string
	}{
		{raw, wish{format: Auto}, "the camera has RG10, pBAA, and nothing that we know; cameras on a board's own connector"},
		{offer{modes: webcam}, wish{format: H264}, "the camera has no h264: it has MJPG, YUYV; write `format: auto`"},
		{offer{modes: webcam}, wish{format: MJPEG}, "the camera lists MJPG, YUYV, and refuses all that we know"},
		{offer{}, wish{format: Auto}, "the camera lists no format, and refuses all that we know"},
	} {
		if err := tc.offer.unusable(tc.wish); camera.ReasonOf(err) != camera.WrongCodec || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("got %v, want %s", err, tc.says)
		}
	}
}

func TestNamesOfControls(t *testing.T) {
	for name, want := range map[string]string{
		"Power Line Frequency": "power_line_frequency", "White Balance, Automatic": "white_balance_automatic", "Zoom, Absolute": "zoom_absolute",
		" Gain (dB)": "gain_db",
	} {
		if got := controlName(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

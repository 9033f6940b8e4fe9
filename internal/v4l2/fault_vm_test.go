//go:build vm

package v4l2_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

// driver tells vivid to let go of its cameras, or to take them again.
func driver(t *testing.T, what string) {
	t.Helper()
	check(t, os.WriteFile("/sys/bus/platform/drivers/vivid/"+what, []byte("vivid.0"), 0))
}

func TestUnplugged(t *testing.T) {
	for name, instance := range map[string]string{"single": "0", "multiplanar": "1"} {
		t.Run(name, func(t *testing.T) {
			files, _ := held(t)
			path := vivid(t, instance)
			d, err := v4l2.Open(path)
			check(t, err)
			m, err := v4l2.NewMonitor()
			check(t, err)
			q, _ := start(t, d, small)
			check(t, next(t, d, q, ignore))

			driver(t, "unbind")
			hear(t, m, v4l2.Uevent{Action: v4l2.Removed, Path: path})
			if err := until(t, d, q); !errors.Is(err, unix.ENODEV) {
				t.Errorf("waiting for pictures ended with %v", err)
			}
			if err := q.Read(ignore); !errors.Is(err, unix.ENODEV) || !strings.Contains(err.Error(), path) {
				t.Errorf("Read returned %v", err)
			}
			if _, err := v4l2.Open(path); !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENODEV) {
				t.Errorf("Open returned %v", err)
			}

			driver(t, "bind") // while the node is held: it gets another number
			if e := hearAdded(t, m); e.Path == path {
				t.Errorf("it came back as %s", e.Path)
			}
			if again := vivid(t, instance); again == path {
				t.Errorf("it is listed as %s", again)
			}
			check(t, d.Close())
			check(t, m.Close())
			if f, maps := held(t); f != files || maps != 0 {
				t.Errorf("%d files and %d mappings are left, %d files before", f, maps, files)
			}
		})
	}
}

// until reads pictures until there are no more.
func until(t *testing.T, d *v4l2.Device, q *v4l2.CaptureQueue) error {
	t.Helper()
	for {
		if err := next(t, d, q, ignore); err != nil {
			return err
		}
	}
}

func hear(t *testing.T, m *v4l2.Monitor, want v4l2.Uevent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		e, err := m.Next(ctx)
		check(t, err)
		if e == want {
			return
		}
	}
}

func hearAdded(t *testing.T, m *v4l2.Monitor) v4l2.Uevent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		e, err := m.Next(ctx)
		check(t, err)
		if e.Action == v4l2.Added {
			return e
		}
	}
}

func TestFailedDevice(t *testing.T) {
	for name, path := range webcams(t) {
		t.Run(name, func(t *testing.T) {
			d := open(t, path)
			q, _ := start(t, d, small)
			check(t, next(t, d, q, ignore))
			check(t, d.SetControl(control(t, d, "Inject Fatal Streaming Error").ID, 1))
			if err := until(t, d, q); !errors.Is(err, unix.EIO) {
				t.Errorf("waiting for pictures ended with %v", err)
			}
			if err := q.Read(ignore); !errors.Is(err, unix.EIO) {
				t.Errorf("Read returned %v", err)
			}
			check(t, q.Stop())
			check(t, q.Start())
			check(t, next(t, d, q, ignore))
		})
	}
}

func TestBrokenPicture(t *testing.T) {
	d := open(t, vivid(t, "0"))
	q, _ := start(t, d, small)
	check(t, d.SetControl(control(t, d, "Inject V4L2_BUF_FLAG_ERROR").ID, 1))
	for broken := false; !broken; {
		check(t, next(t, d, q, func(p v4l2.Picture) error {
			broken = p.Broken
			return nil
		}))
	}
}

func TestRefusals(t *testing.T) {
	d := open(t, vivid(t, "0"))
	if _, err := d.SetFormat(v4l2.Capture, small); err != nil {
		t.Fatal(err)
	}
	check(t, d.SetControl(control(t, d, "Inject VIDIOC_REQBUFS").ID, 1))
	if _, err := d.CaptureQueue(4); !errors.Is(err, unix.EINVAL) {
		t.Errorf("CaptureQueue returned %v", err)
	}
	q, err := d.CaptureQueue(4)
	check(t, err)
	check(t, d.SetControl(control(t, d, "Inject VIDIOC_STREAMON").ID, 1))
	if err := q.Start(); !errors.Is(err, unix.EINVAL) {
		t.Errorf("Start returned %v", err)
	}
	check(t, q.Close())
	if _, maps := held(t); maps != 0 {
		t.Errorf("%d mappings are left", maps)
	}
}

// The size of an HDMI input follows what is plugged in at the other end.
func TestSourceChange(t *testing.T) {
	d := open(t, vivid(t, "2"))
	check(t, d.Subscribe(v4l2.EventSourceChange))
	if _, err := d.Event(); !errors.Is(err, v4l2.ErrAgain) {
		t.Errorf("Event returned %v", err)
	}
	mode := control(t, d, "DV Timings Signal Mode")
	check(t, d.SetControl(mode.ID, 1)) // no signal
	defer func() { check(t, d.SetControl(mode.ID, mode.Default)) }()
	got, err := d.Wait(t.Context(), v4l2.Eventful, patience)
	check(t, err)
	e, err := d.Event()
	if err != nil || got != v4l2.Eventful || e.Kind != v4l2.EventSourceChange || !e.Resolution {
		t.Errorf("event %+v, %v (%#x)", e, err, got)
	}
}

func TestInterruptedWait(t *testing.T) {
	d := open(t, vivid(t, "0"))
	start(t, d, small)
	check(t, d.SetControl(control(t, d, "Percentage of Dropped").ID, 100))
	defer func() { check(t, d.SetControl(control(t, d, "Percentage of Dropped").ID, 0)) }()
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	ended := make(chan error)
	go func() {
		_, err := d.Wait(ctx, v4l2.Eventful, 0)
		ended <- err
	}()
	cancel(enough)
	if err := <-ended; !errors.Is(err, enough) {
		t.Errorf("Wait returned %v", err)
	}
}

func TestControls(t *testing.T) {
	d := open(t, vivid(t, "0"))
	brightness, contrast := control(t, d, "Brightness"), control(t, d, "Contrast")
	defer func() {
		check(t, d.SetControls(v4l2.Setting{ID: brightness.ID, Value: brightness.Default}, v4l2.Setting{ID: contrast.ID, Value: contrast.Default}))
	}()
	check(t, d.SetControls(v4l2.Setting{ID: brightness.ID, Value: 11}, v4l2.Setting{ID: contrast.ID, Value: 22}))
	for id, want := range map[v4l2.ControlID]int32{brightness.ID: 11, contrast.ID: 22} {
		if got, err := d.Control(id); err != nil || got != want {
			t.Errorf("control %#x is %d, %v; want %d", id, got, err, want)
		}
	}
	const nothing = v4l2.ControlBitrate
	for name, err := range map[string]error{
		"SetControl": d.SetControl(nothing, 1), "SetControls": d.SetControls(v4l2.Setting{ID: nothing}),
		"Control": second(d.Control(nothing)), "ControlInfo": second(d.ControlInfo(nothing)),
	} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "0x009909cf") {
			t.Errorf("%s returned %v", name, err)
		}
	}
	if info, err := d.ControlInfo(brightness.ID); err != nil || info != brightness {
		t.Errorf("%+v, %v; want %+v", info, err, brightness)
	}
}

func second[T any](_ T, err error) error { return err }

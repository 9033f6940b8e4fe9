//go:build vm

package v4l2_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// These tests run in a machine with vivid as two webcams, one without planes (0) and one with (1), and an HDMI input (2), with a loopback that
// nobody writes to, and with vicodec.

// patience is for an emulated processor: what takes longer will not come.
const patience = 20 * time.Second

// vivid is the path of one of vivid's cameras. The numbers of their nodes change, these do not.
func vivid(t *testing.T, instance string) string {
	t.Helper()
	nodes, err := v4l2.List()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if n.Info.Bus == "platform:vivid-00"+instance {
			return n.Path
		}
	}
	t.Fatalf("no vivid.%s among %+v", instance, nodes)
	return ""
}

// webcams are vivid's two, by the layout of their buffers.
func webcams(t *testing.T) map[string]string {
	return map[string]string{"single": vivid(t, "0"), "multiplanar": vivid(t, "1")}
}

func open(t *testing.T, path string) *v4l2.Device {
	t.Helper()
	d, err := v4l2.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, d.Close()) })
	return d
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// small is a format that even an emulated processor keeps up with.
var small = v4l2.Format{FourCC: v4l2.YUYV, Width: 320, Height: 180}

// start lets a camera deliver.
func start(t *testing.T, d *v4l2.Device, f v4l2.Format) (*v4l2.CaptureQueue, v4l2.Format) {
	t.Helper()
	f, err := d.SetFormat(v4l2.Capture, f)
	check(t, err)
	q, err := d.CaptureQueue(4)
	check(t, err)
	check(t, q.Start())
	return q, f
}

// next waits for a picture.
func next(t *testing.T, d *v4l2.Device, q *v4l2.CaptureQueue, use func(v4l2.Picture) error) error {
	t.Helper()
	for {
		if _, err := d.Wait(t.Context(), v4l2.Readable, patience); err != nil {
			return err
		}
		if err := q.Read(use); !errors.Is(err, v4l2.ErrAgain) {
			return err
		}
	}
}

func ignore(v4l2.Picture) error { return nil }

// control finds a control by a part of its name.
func control(t *testing.T, d *v4l2.Device, name string) v4l2.ControlInfo {
	t.Helper()
	all, err := d.Controls()
	check(t, err)
	i := slices.IndexFunc(all, func(c v4l2.ControlInfo) bool { return strings.Contains(c.Name, name) })
	if i < 0 {
		t.Fatalf("no control %q among %+v", name, all)
	}
	return all[i]
}

func TestList(t *testing.T) {
	nodes, err := v4l2.List()
	check(t, err)
	found := make(map[v4l2.Reason]int)
	for _, n := range nodes {
		t.Logf("%+v %s", n, n.Why.Advice())
		found[n.Why]++
		if len(n.Links) == 0 && n.Info.Driver == "vicodec" {
			t.Errorf("%s has no name that stays", n.Path)
		}
		for _, link := range n.Links {
			path, err := v4l2.Resolve(link)
			if n.Info.Driver == "vivid" { // all of vivid's have one place, and who makes links of it may still be at it
				continue
			}
			check(t, err)
			if d := open(t, path); d.Info() != n.Info {
				t.Errorf("%s leads to %+v, not to %+v", link, d.Info(), n.Info)
			}
		}
	}
	if found[""] < 3 || found[v4l2.Converter] < 2 || found[v4l2.Display] < 1 || found[v4l2.Unreachable] > 0 {
		t.Errorf("found %v", found)
	}
}

// held counts what the process has of video devices: open files and mappings.
func held(t *testing.T) (files, maps int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	check(t, err)
	b, err := os.ReadFile("/proc/self/maps")
	check(t, err)
	return len(entries), strings.Count(string(b), "/dev/video")
}

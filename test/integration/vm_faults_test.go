//go:build vm

package integration

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A webcamOfVivid is one of two on the same hub.
type webcamOfVivid struct{ camera, device, name, color string }

// Two cameras work side by side. When the driver of one stands still, the other goes on, and both survive the hub that is unplugged, and come
// back under other numbers. One is told by the link that stays the same, the other by its number, which does not.
func TestVMCamerasFail(t *testing.T) {
	left := webcamOfVivid{"left", "/dev/v4l/by-id/vivid-000-vid-cap-video-index0", "vivid-000", "red"}
	right := webcamOfVivid{"right", "/dev/video1", "vivid-001", "blue"}
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, hardware{modules: twoWebcams, files: "ffmpeg v4l2-ctl"},
		v4l2Camera(left.camera, left.device, "yuyv", 640, 480)+v4l2Camera(right.camera, right.device, "yuyv", 640, 480), lensWatch)
	both := []webcamOfVivid{left, right}
	m.checkColors(both)
	before := m.footprint()

	m.tryStall(s, left, right)
	var back durations
	for range scale(2, 20) {
		back = append(back, m.unplug(s, both)...)
	}
	back.report(t, "the hub was plugged in again, and a picture of a camera arrives after", 3*time.Second)
	m.checkColors(both)
	m.waitFootprint(before)
	m.end(s)
}

// checkColors points each camera at something, and waits for answers about that.
func (m *machine) checkColors(all []webcamOfVivid) {
	m.t.Helper()
	for _, c := range all {
		m.point("/dev/"+m.node(c), c.color)
	}
	for _, c := range all {
		m.waitColor(c.camera, c.color, 640, 480)
	}
}

// tryStall lets a driver take no more pictures, without a word, and then take them again.
func (m *machine) tryStall(s *simulator, c, neighbour webcamOfVivid) {
	m.t.Helper()
	dropped := func(percentage int) {
		m.do(fmt.Sprintf("v4l2-ctl -d %s -c percentage_of_dropped_buffers=%d", c.device, percentage))
	}
	start := time.Now()
	dropped(100)
	within(m.t, patience, "the agent notices that the driver takes no pictures", func() bool {
		state, _ := m.part(c.camera, "source")
		return state != "live"
	})
	durations{time.Since(start)}.report(m.t, "a driver that takes no pictures is noticed after", 5*time.Second)
	m.firstPictureAfter(s, neighbour.camera, time.Now())
	dropped(0)
	m.firstPictureAfter(s, c.camera, time.Now())
}

// unplug takes the cameras away and brings them back under other numbers, and returns how long after that a picture of each arrived.
func (m *machine) unplug(s *simulator, all []webcamOfVivid) (took durations) {
	m.t.Helper()
	time.Sleep(4 * time.Second) // a camera that worked for a while is expected back
	before := map[string]string{}
	hold := "" // a number in use is not given away again
	for i, c := range all {
		before[c.camera] = m.node(c)
		hold += fmt.Sprintf("exec %d</dev/%s; ", 5+i, before[c.camera])
	}
	m.do(hold + "sleep 1000 & echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind")
	for _, c := range all {
		eventually(m.t, c.camera+" is gone", func() bool {
			state, _ := m.part(c.camera, "source")
			return state != "live"
		})
	}
	m.do("echo vivid.0 >/sys/bus/platform/drivers/vivid/bind; killall sleep")
	start := time.Now()
	for _, c := range all {
		took = append(took, m.firstPictureAfter(s, c.camera, start))
		if m.node(c) == before[c.camera] {
			m.t.Errorf("%s is %s again: nothing was learned from that", c.camera, before[c.camera])
		}
	}
	m.t.Logf("pictures again after %v", took)
	return took
}

// node returns the name that the kernel gives the device now.
func (m *machine) node(c webcamOfVivid) string {
	m.t.Helper()
	return filepath.Base(strings.TrimSpace(m.do("readlink /dev/v4l/by-id/" + c.name + "-vid-cap-video-index0")))
}

// waitFootprint blocks until the agent holds no more than it did.
func (m *machine) waitFootprint(before footprint) {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		now := m.footprint()
		kind := now.exceeds(before)
		if kind == "" {
			m.t.Logf("the agent holds %v", now)
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("the agent holds more of %s than before: %v, and before %v", kind, now, before)
		}
	}
}

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"
)

// More cameras than slots: as many stream as may, the others say that they wait and why, and nobody moves without a cause.
func TestCamerasWaitForSlots(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cameras int
		keys    []string
	}{
		{6, []string{"main"}},
		{12, []string{"main", "second"}},
	} {
		t.Run(fmt.Sprintf("%d cameras on %d keys", c.cameras, len(c.keys)), func(t *testing.T) {
			f := newFleet(t, c.cameras, "--no-decode")
			f.keys = c.keys
			a := f.start()
			slots := 5 * len(c.keys)
			held := f.waitHeld(a, slots)
			a.waitRanks(c.cameras - slots)
			for camera := range held {
				a.waitEvents(camera+"/counter", 3)
			}
			if n := len(f.s.calls("create")); n != slots {
				t.Errorf("%d streams were made for %d slots", n, slots)
			}
			f.checkMost()
			a.stop(syscall.SIGTERM)
			f.checkReleased(held)
		})
	}
}

// waitRanks blocks until n cameras wait for a slot, and checks that they say so everywhere: on the status page, in metrics and in the log.
func (a *agent) waitRanks(n int) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("%d cameras have the ranks 1 to %d", n, n), func() bool {
		var got, want []string
		for camera, parts := range a.parts() {
			if lease := parts["lease"]; lease.State == "waiting" {
				rank := a.metric("overshoot_agent_slot_rank", "camera", camera)
				if text := fmt.Sprintf("waiting for a slot (rank %v of %d)", rank, n); lease.Detail["slot"] == text && a.said(camera, text) {
					got = append(got, text)
				}
			}
		}
		for i := range n {
			want = append(want, fmt.Sprintf("waiting for a slot (rank %d of %d)", i+1, n))
		}
		slices.Sort(got)
		slices.Sort(want)
		return slices.Equal(got, want) && a.metric("overshoot_agent_cameras_waiting") == float64(n)
	})
}

// said tells whether a camera's log has a line with this message.
func (a *agent) said(camera, message string) bool {
	a.t.Helper()
	return slices.ContainsFunc(a.log(), func(l logLine) bool { return l.Camera == camera && l.Message == message })
}

// checkMost fails the test unless every key had five streams at some time, and none ever had more.
func (f *fleet) checkMost() {
	f.t.Helper()
	most := f.s.mostStreams()
	for _, key := range f.keys {
		if most[key] != 5 {
			f.t.Errorf("key %s had up to %d streams at a time, want 5", key, most[key])
		}
	}
}

// A camera of higher priority takes the slot of another as soon as it delivers, and gives it back when it delivers nothing any more.
func TestPriorityPreempts(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 6, "--no-decode")
	important := &f.cameras[5]
	important.priority = 10
	f.s.do(http.MethodPost, "/cameras/"+important.name+"/down", "")
	a := f.start()
	before := f.waitHeld(a, 5)

	f.s.do(http.MethodPost, "/cameras/"+important.name+"/up", "")
	eventually(t, "the important camera streams", func() bool { return a.held()[important.name] != "" })
	after := f.waitHeld(a, 5)
	a.waitRanks(1)
	left := f.missing(before, after)
	if len(left) != 1 {
		t.Errorf("%v left for one camera", left)
	}
	f.checkRecalled(a, left, "priority")
	f.checkReleased(map[string]string{left[0]: before[left[0]]})

	f.s.do(http.MethodPost, "/cameras/"+important.name+"/down", "")
	eventually(t, "the other camera streams again", func() bool { return a.held()[left[0]] != "" })
	f.checkRecalled(a, []string{important.name}, "dark")
	f.checkMost()
	a.stop(syscall.SIGTERM)
	f.checkReleased(after)
}

// missing returns the cameras of before that have another stream after, or none.
func (f *fleet) missing(before, after map[string]string) (cameras []string) {
	for _, c := range f.cameras {
		if before[c.name] != after[c.name] && before[c.name] != "" {
			cameras = append(cameras, c.name)
		}
	}
	return cameras
}

// checkRecalled fails the test unless just these cameras had to give their slots back for this cause.
func (f *fleet) checkRecalled(a *agent, cameras []string, cause string) {
	f.t.Helper()
	var recalled []string
	for _, line := range a.log() {
		if line.Message == "slot recalled" && line.Cause == cause {
			recalled = append(recalled, line.Camera)
		}
	}
	if !slices.Equal(recalled, cameras) {
		f.t.Errorf("recalled with cause %s: %v, want %v", cause, recalled, cameras)
	}
	if n := a.metric("overshoot_agent_slot_recalls_total", "cause", cause); n != float64(len(cameras)) {
		f.t.Errorf("%v recalls with cause %s are counted, want %d", n, cause, len(cameras))
	}
}

// Twelve cameras take turns in five slots: each streams again within cameras/slots × dwell + 1 dwell. A dwell has five turns, one in each
// slot, so that is within (12/5 + 1) × 5 = 17 turns after the beginning of its last one; counted in turns no slow machine spoils it.
func TestCamerasTakeTurns(t *testing.T) {
	t.Parallel()
	const cameras, slots = 12, 5
	const window = cameras + slots
	f := newFleet(t, cameras)
	f.more = "rotate: {dwell: 10s}"
	a := f.start()
	f.waitHeld(a, slots)
	a.waitRanks(cameras - slots)
	rounds := scale(1, 6)
	var turns []string
	within(t, patience*time.Duration(rounds), "all cameras had their turns", func() bool {
		turns = f.turns()
		return len(turns) >= slots+rounds*cameras
	})
	f.checkMost()
	fewest, most, widest := fairness(f, turns)
	if widest > window {
		t.Errorf("a camera had to wait for %d turns, want at most %d: %v", widest, window, turns)
	}
	a.stop(syscall.SIGTERM)
	checkReleased(t, f.s)
	t.Logf("%d turns: %d to %d for each camera, which came again after at most %d turns", len(turns), fewest, most, widest)
}

// turns returns the cameras whose pictures arrived, in the order of their streams.
func (f *fleet) turns() (cameras []string) {
	f.t.Helper()
	for _, stream := range f.s.streams() {
		switch {
		case stream.Camera != "":
			cameras = append(cameras, stream.Camera)
		case stream.State == "ended":
			f.t.Errorf("a turn passed without a picture: %+v", stream)
		}
	}
	return cameras
}

// fairness returns how many turns the cameras had, and the most turns from the beginning of one camera's turn to the beginning of its next,
// from the first turn of all and to the last one included.
func fairness(f *fleet, turns []string) (fewest, most, widest int) {
	fewest = len(turns)
	for _, c := range f.cameras {
		n, last := 0, -1
		for i, camera := range append(slices.Clone(turns), c.name) {
			if camera == c.name {
				widest = max(widest, i-last)
				n, last = n+1, i
			}
		}
		fewest, most = min(fewest, n-1), max(most, n-1)
	}
	return fewest, most, widest
}

//go:build vm

package integration

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

const (
	webcam     = "vivid:n_devs=1;node_types=0x1;num_inputs=1;input_types=0x0"
	twoWebcams = "vivid:n_devs=2;node_types=0x1,0x1;num_inputs=1,1;input_types=0x0,0x0"

	// feeder plays a file into a camera of v4l2loopback, from a place where no agent looks for an ffmpeg.
	feeder = "/feeder/ffmpeg -v error -re -stream_loop -1 -i /feeder/feed%d -c copy -f v4l2 /dev/video%d </dev/null >/dev/null 2>&1 & " +
		"until v4l2-ctl -d /dev/video%d --list-formats | grep -q compressed; do sleep 0.1; done; "
)

// Raw pictures, from a driver that has the kernel's buffers as those of webcams do, arrive as they were taken. Of two cameras at once.
func TestVMRawPictures(t *testing.T) {
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, hardware{modules: twoWebcams, files: "ffmpeg v4l2-ctl"},
		v4l2Camera("small", "/dev/video0", "yuyv", 640, 480)+v4l2Camera("large", "/dev/video1", "yuyv", 1280, 720), lensWatch)
	m.tryColors("/dev/video0", "small", 640, 480)
	m.tryColors("/dev/video1", "large", 1280, 720)
	m.end(s)
}

// A build with openh264 needs no other program.
func TestVMOpenH264(t *testing.T) {
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, hardware{modules: webcam, files: "v4l2-ctl", agent: openH264Program(t)}, v4l2Camera("lens", "/dev/video0", "nv12", 640, 480), lensWatch)
	m.tryColors("/dev/video0", "lens", 640, 480)
	m.end(s)
}

// What discover prints works when it is pasted.
func TestVMDiscover(t *testing.T) {
	h := hardware{modules: webcam, files: "v4l2-ctl", agent: openH264Program(t)}
	found, err := h.command(t, "discover", "--no-onvif").Output()
	must(t, err)
	t.Logf("%s", found)
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, h, strings.ReplaceAll(string(found), "    source:", "    watches: [lens]\n    source:"), lensWatch)
	m.tryColors("/dev/video0", "vivid", 1280, 720)
	m.end(s)
}

func openH264Program(t *testing.T) string {
	t.Helper()
	return program(t, "OVERSHOOT_AGENT_OPENH264_BIN", "bin/overshoot-agent-openh264")
}

// JPEG files are encoded, and each answer is from a picture that the camera really took.
func TestVMMotionJPEG(t *testing.T) {
	tryFeeds(t, "ffmpeg", "mjpeg", [][2]int{{640, 480}, {1280, 720}}, func(width, height int) string {
		return makeFeed(t, "-r", "10", "-s", fmt.Sprintf("%dx%d", width, height), "-c:v", "mjpeg", "-q:v", "4", "-f", "nut")
	})
}

// H.264 of the camera's own is passed on: there is no encoder in this machine that could have made it.
func TestVMNativeH264(t *testing.T) {
	tryFeeds(t, "", "h264", [][2]int{{1280, 720}}, func(int, int) string {
		return makeFeed(t, "-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-bf", "0", "-g", "30", "-f", "mpegts")
	})
}

// tryFeeds plays files to an agent as cameras of these sizes, and waits for answers about their pictures. programs are what the agent finds
// on the machine.
func tryFeeds(t *testing.T, programs, format string, sizes [][2]int, feed func(width, height int) string) {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	must(t, err)
	h := hardware{modules: fmt.Sprintf("v4l2loopback:devices=%d;exclusive_caps=1,1", len(sizes)), files: programs + " v4l2-ctl " + ffmpeg + ":/feeder/ffmpeg"}
	var cameras string
	for i, size := range sizes {
		h.files += fmt.Sprintf(" %s:/feeder/feed%d", feed(size[0], size[1]), i)
		h.prepare += fmt.Sprintf(feeder, i, i, i)
		cameras += v4l2Camera(fmt.Sprint("lens-", i), fmt.Sprint("/dev/video", i), format, size[0], size[1])
	}
	s := startSimulator(t, "yard=180p15")
	m := startMachine(t, s, h, cameras, lensWatch)
	for i, size := range sizes {
		last := -1
		for last < 100 { // three seconds of it
			m.waitGlance(fmt.Sprint("lens-", i), "a counter that went on", func(g glance) bool {
				if g.Width != size[0] || g.Height != size[1] || g.Camera != 1 || g.Counter <= last {
					return false
				}
				last = g.Counter
				return true
			})
		}
	}
	m.end(s)
}

// v4l2Camera is the YAML of a camera that is asked lensWatch. Ten pictures a second are what an emulated CPU can encode.
func v4l2Camera(name, device, format string, width, height int) string {
	return fmt.Sprintf("  - {name: %s, source: {type: v4l2, device: %s, format: %s, width: %d, height: %d, fps: 10}, watches: [lens]}\n",
		name, device, format, width, height)
}

// end stops the agent in its VM and checks what must hold of every run.
func (m *machine) end(s *simulator) {
	m.t.Helper()
	m.stop(syscall.SIGTERM)
	m.log() // libraries in other languages have their own ideas of what belongs there
	m.checkEvents()
	s.recorder.check(m.t)
	checkReleased(m.t, s)
}

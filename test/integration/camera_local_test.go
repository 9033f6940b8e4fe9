package integration

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// addLocal adds a camera that needs no network.
func (z *zoo) addLocal(name, source string) {
	z.animals = append(z.animals, animal{name, source, "stall_after: 5s"})
}

// copied is an exec source that takes the video of a camera of the simulator as it is.
func copied(url, container string) string {
	return fmt.Sprintf(`{type: exec, command: [ffmpeg, -v, error, -rtsp_transport, tcp, -i, %q, -c, copy, -f, %s, "-"]}`, url, container)
}

// recorded is a clip of a camera of the simulator, and returns its path.
func recorded(t *testing.T, url string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clip.ts")
	out, err := exec.Command("ffmpeg", "-v", "error", "-rtsp_transport", "tcp", "-i", url, "-c", "copy", "-frames:v", "60", path).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
	return path
}

// Video that comes from a file, out of a program or from nowhere is video like any other: it arrives, it is passed on where that is possible,
// and the answers are about it.
func TestSourcesWithoutANetwork(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "yard=180p15,one=180p15,two=180p15,three=180p15")
	cameras := z.s.cameras
	z.animals = nil
	z.addLocal("clip", fmt.Sprintf("{type: file, path: %q}", recorded(t, cameras["one"])))
	z.addLocal("stream", copied(cameras["two"], "h264"))
	z.addLocal("container", copied(cameras["three"], "mpegts"))
	z.addLocal("pattern", "{type: test, width: 480, height: 270, fps: 15}")
	z.start()
	names := []string{"clip", "stream", "container", "pattern"}
	z.waitResults(4, names...)
	passed := names[:3] // cameras 2, 3 and 4 of the simulator
	for i, name := range passed {
		for _, s := range z.checkSightings(t, name) {
			if s.Camera != i+2 || s.Width != 320 {
				t.Errorf("%s: an answer is about camera %d, %d pixels wide", name, s.Camera, s.Width)
			}
		}
		if z.a.metric("overshoot_agent_camera_video_path", "camera", name, "path", "passed_on") != 1 {
			t.Errorf("%s is not passed on", name)
		}
	}
	for _, e := range z.a.events("pattern/eye") {
		var seen sighting
		mustDecode(t, string(e.Data.Result), &seen)
		if seen.Width != 480 {
			t.Errorf("pattern: it is %d pixels wide", seen.Width)
		}
	}
	z.end()
}

// A program that dies is started again while its stream goes on, and none outlives the agent, whichever way that ends.
func TestProgramsComeBackAndEnd(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "yard=180p15,one=180p15")
	z.animals = nil
	z.addLocal("stream", copied(z.s.cameras["one"], "h264"))
	z.start()
	z.waitResults(2, "stream")
	streams := z.waitStreams("stream")
	for range 3 {
		children := z.waitTranscoders(1)
		must(t, children[0].kill())
		waitGone(t, children)
		z.waitTranscoders(1)
		z.waitResults(2, "stream")
	}
	if n := z.a.metric("overshoot_agent_camera_reconnects_total", "camera", "stream", "reason", "closed"); n != 3 {
		t.Errorf("%v programs that ended were counted, want 3", n)
	}
	z.checkSame(streams)

	children := z.waitTranscoders(1)
	z.a.kill()
	waitGone(t, children)
	z.a = startAgentIn(t, z.s, z.dir)
	z.waitResults(2, "stream")
	children = z.waitTranscoders(1)
	z.checkSame(streams)
	z.a.stop(syscall.SIGTERM)
	waitGone(t, children)
	checkReleased(t, z.s)
}

// What is wrong with a program stands where its owner looks.
func TestProgramsThatGiveNoVideo(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "yard=180p15")
	broken := map[string][]string{
		"absent": {"no-such-program"},
		"talks":  {"sh", "the lens is dirty"},
		"text":   {"hello"},
	}
	z.addLocal("absent", "{type: exec, command: [no-such-program, --now]}")
	z.addLocal("talks", `{type: exec, command: [sh, -c, "echo the lens is dirty >&2; exit 3"]}`)
	z.addLocal("text", `{type: exec, command: [sh, -c, "yes hello world"]}`)
	z.start()
	for name, words := range broken {
		z.a.waitTrouble(name, "source", words...)
	}
	z.a.stop(syscall.SIGTERM)
}

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
	z.addLocal("stream", copied(cameras["one"], "h264"))
	z.addLocal("container", copied(cameras["two"], "mpegts"))
	z.addLocal("clip", fmt.Sprintf("{type: file, path: %q}", recorded(t, cameras["three"])))
	z.addLocal("pattern", "{type: test, width: 480, height: 270, fps: 15}")
	z.start()
	z.waitResults(4, "clip", "stream", "container", "pattern")
	for i, name := range []string{"stream", "container"} {
		for _, s := range z.checkSightings(t, name) {
			checkLocal(t, name, s, i+2, 320)
		}
		if z.a.metric("overshoot_agent_camera_video_path", "camera", name, "path", "passed_on") != 1 {
			t.Errorf("%s is not passed on", name)
		}
	}
	for name, number := range map[string]int{"clip": 4, "pattern": -1} { // whose pictures are not those of any camera now
		for _, e := range z.a.events(name + "/eye") {
			var s sighting
			mustDecode(t, string(e.Data.Result), &s)
			checkLocal(t, name, s, number, map[string]int{"clip": 320, "pattern": 480}[name])
		}
	}
	// The race detector needs cgo, so that build has an encoder in process, which makes a key frame for who asks.
	if asked := z.a.metric("overshoot_agent_camera_key_frames_asked_total", "camera", "pattern"); asked == 0 {
		t.Error("the room asked for no key frame, or the encoder was not told")
	}
	z.end()
}

// checkLocal holds an answer against the camera, by the simulator's number, that must have been looked at.
func checkLocal(t *testing.T, name string, s sighting, number, width int) {
	t.Helper()
	if s.Camera != number || s.Width != width {
		t.Errorf("%s: an answer is about camera %d, %d pixels wide, want %d and %d", name, s.Camera, s.Width, number, width)
	}
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

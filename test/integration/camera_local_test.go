package integration

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"
)

// localClip is a clip of a test camera that shows this number, as a byte stream.
func localClip(t *testing.T, camera int) string {
	t.Helper()
	pattern := filepath.Join(program(t, "OVERSHOOT_CLIPS", "../../.cache/clips"), fmt.Sprintf("360p30-camera%d-*.h264", camera))
	found, err := filepath.Glob(pattern)
	must(t, err)
	if len(found) == 0 {
		t.Fatalf("there is no %s: make clips makes it", pattern)
	}
	return found[len(found)-1]
}

// addLocal adds a camera that needs no network.
func (z *zoo) addLocal(name, source string) {
	z.animals = append(z.animals, animal{name, source, "stall_after: 5s"})
}

// remux is an exec source that plays a clip at its own pace, in a container of ffmpeg's.
func remux(clip, container string) string {
	return fmt.Sprintf(`{type: exec, command: [ffmpeg, -v, error, -re, -stream_loop, "-1", -r, "30", -f, h264, -i, %q, -c, copy, -f, %s, "-"]}`, clip, container)
}

// Video that comes from a file, out of a program or from nowhere is video like any other: it arrives, it is passed on where that is possible,
// and the answers are about it.
func TestSourcesWithoutANetwork(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "yard=180p15")
	z.addLocal("clip", fmt.Sprintf("{type: file, path: %q, fps: 30}", localClip(t, 1)))
	z.addLocal("stream", remux(localClip(t, 2), "h264"))
	z.addLocal("container", remux(localClip(t, 3), "mpegts"))
	z.addLocal("pattern", "{type: test, width: 320, height: 180, fps: 15}")
	z.start()
	numbers := map[string]int{"clip": 1, "stream": 2, "container": 3}
	names := []string{"clip", "stream", "container", "pattern"}
	z.waitResults(4, names...)
	for name, number := range numbers {
		for _, s := range z.checkSightings(t, name) {
			if s.Camera != number || s.Width != 640 {
				t.Errorf("%s: an answer is about camera %d, %d pixels wide", name, s.Camera, s.Width)
			}
		}
	}
	for _, s := range z.checkSightings(t, "pattern") {
		if s.Width != 320 {
			t.Errorf("pattern: it is %d pixels wide", s.Width)
		}
	}
	for name := range numbers {
		if z.a.metric("overshoot_agent_camera_video_path", "camera", name, "path", "passed_on") != 1 {
			t.Errorf("%s is not passed on", name)
		}
	}
	z.checkDecoded(z.waitStreams(names...))
	z.end()
}

// A program that dies is started again while its stream goes on, and none outlives the agent, whichever way that ends.
func TestProgramsComeBackAndEnd(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "yard=180p15")
	z.addLocal("stream", remux(localClip(t, 2), "h264"))
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

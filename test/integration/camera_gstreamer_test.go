package integration

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Two cameras are made with the RTSP server of GStreamer, which shares no code with the agent's client or the simulator's cameras. One sends
// packets as large as TCP lets it.
func TestGStreamerCameras(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "well=180p15")
	clip := gstreamerClip(t)
	names := []string{"usual", "large"}
	for i, size := range []int{1400, 8000} {
		address := startGStreamer(t, clip, z.s.secrets.password, size)
		z.add(names[i], "rtsp://"+address+"/live", fmt.Sprintf("username: admin, password: %q", z.s.secrets.password))
	}
	z.start()
	z.waitResults(scale(4, 25), names...)
	streams := z.waitStreams(names...)
	for _, name := range names {
		for _, s := range z.checkSightings(t, name) {
			if s.Camera != 2 || s.Width != 640 {
				t.Errorf("%s: this is not its picture: %+v", name, s)
			}
		}
		flow := flowOf(z.s.pictures(streams[name], -1))
		t.Logf("%s: %v", name, flow)
		if flow.illegible > 0 {
			t.Errorf("%s: %v", name, flow)
		}
	}
	z.checkDecoded(streams)
	z.end()
}

// gstreamerClip packs a clip of camera 2, which lasts 20 s, many times over into an MP4 file, small but with so many bytes that its key frames
// fill large packets.
func gstreamerClip(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(program(t, "OVERSHOOT_CLIPS", ".cache/clips"), "720p30-camera2-*.h264"))
	must(t, err)
	if len(found) == 0 {
		t.Fatal("there is no clip 720p30:2; run make test, which makes it")
	}
	short, long := filepath.Join(t.TempDir(), "short.mp4"), filepath.Join(t.TempDir(), "long.mp4")
	for _, args := range [][]string{
		{"-r", "30", "-i", found[0], "-vf", "scale=640:360", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-g", "30", "-qp", "18", short},
		{"-stream_loop", "9", "-i", short, "-c", "copy", long},
	} {
		if text, err := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return long
}

// startGStreamer starts one such camera and returns its host and port. It needs what `make deps` installs.
func startGStreamer(t *testing.T, clip, password string, size int) (address string) {
	t.Helper()
	// Not the python3 of the PATH: the one that Debian's packages of GStreamer are for.
	server := exec.Command("/usr/bin/python3", "testdata/gstreamer.py", clip, password, fmt.Sprint(size))
	server.Stderr, server.SysProcAttr = os.Stderr, die()
	stdout, err := server.StdoutPipe()
	must(t, err)
	must(t, server.Start())
	t.Cleanup(func() { _ = server.Process.Kill(); _ = server.Wait() })
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the RTSP server of GStreamer ended: %v; `make deps` installs what it needs", err)
	}
	return "127.0.0.1:" + strings.TrimSpace(port)
}

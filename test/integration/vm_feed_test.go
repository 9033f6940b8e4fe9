//go:build vm || boards

package integration

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// makeFeed makes a file to play to an agent from the start of a clip of the simulator's, in which counters can be read at any size.
func makeFeed(t *testing.T, options ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "feed")
	args := append([]string{"-v", "error", "-r", "30", "-i", clipOfCamera1(t), "-t", "8"}, append(options, path)...)
	if printed, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %v: %v: %s", args, err, printed)
	}
	return path
}

// clipOfCamera1 returns the path of a clip in H.264, 1280x720.
func clipOfCamera1(t *testing.T) string {
	t.Helper()
	clip, err := filepath.Glob(filepath.Join(program(t, "OVERSHOOT_CLIPS", ".cache/clips"), "720p30-camera1-*.h264"))
	must(t, err)
	if len(clip) == 0 {
		t.Fatal("there is no clip 720p30 of camera 1; run make clips")
	}
	return clip[0]
}

//go:build boards

package integration

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// A board is a binary of a release and what emulates its CPU here.
type board struct{ binary, emulator, says string }

// boards returns all binaries in dist/ that are for other CPUs: of each CPU one, or several that were built in different ways.
func boards(t *testing.T) (all []board) {
	t.Helper()
	for _, cpu := range []struct{ files, emulator, says string }{
		{"overshoot-agent-linux-arm64*", "qemu-aarch64-static", "linux/arm64"},
		{"overshoot-agent-linux-arm7*", "qemu-arm-static", "linux/arm)"},
	} {
		files, err := filepath.Glob(filepath.Join("..", "..", "dist", cpu.files))
		must(t, err)
		if len(files) == 0 {
			t.Fatalf("there is no dist/%s; run make boards, which builds it", cpu.files)
		}
		for _, file := range files {
			all = append(all, board{file, cpu.emulator, cpu.says})
		}
	}
	return all
}

func (b board) command(args ...string) *exec.Cmd {
	command := exec.Command(b.emulator, append([]string{b.binary}, args...)...)
	command.SysProcAttr = die()
	return command
}

// run runs a command that ends by itself, and fails the test unless it ends well.
func (b board) run(t *testing.T, args ...string) string {
	t.Helper()
	printed, err := b.command(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v: %s", args, err, printed)
	}
	return string(printed)
}

// The binaries for boards start, read a configuration, look for cameras, and do the main job from a file to answers.
func TestBoards(t *testing.T) {
	s := startSimulator(t, "yard=360p30")
	for _, b := range boards(t) {
		t.Run(filepath.Base(b.binary), func(t *testing.T) {
			t.Run("version", func(t *testing.T) {
				if printed := b.run(t, "version"); !strings.Contains(printed, runtime.Version()) || !strings.Contains(printed, b.says) {
					t.Errorf("it says %s", printed)
				}
			})
			t.Run("discover", func(t *testing.T) {
				printed, err := b.command("discover", "--timeout", "500ms").CombinedOutput()
				if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended || !strings.Contains(string(printed), "camera") {
					t.Errorf("%v: %s", err, printed)
				}
				t.Logf("it says: %s", printed)
			})
			t.Run("H.264 file to answers", func(t *testing.T) { b.tryJob(t, s, clipOfCamera1(t), nil) })
			t.Run("MJPEG file to answers", func(t *testing.T) {
				feed := makeFeed(t, "-r", "5", "-s", "320x180", "-c:v", "mjpeg", "-q:v", "4", "-f", "mjpeg")
				b.tryJob(t, s, feed, b.programs())
			})
		})
	}
}

// programs is the environment of an agent that has to encode: what comes without an encoder finds the ffmpeg of this machine.
func (b board) programs() []string {
	if strings.HasSuffix(b.binary, "-openh264") {
		return []string{"PATH=/nowhere"}
	}
	return nil
}

func (b board) tryJob(t *testing.T, s *simulator, clip string, environment []string) {
	t.Helper()
	dir := t.TempDir()
	cameras := fmt.Sprintf("  - {name: clip, source: {type: file, path: %q, fps: 5}, watches: [counter]}\n", clip)
	path := filepath.Join(dir, configName)
	must(t, os.WriteFile(path, []byte(s.config(dir, cameras, counterWatch)), 0o600))
	b.run(t, "check", "--config", path)
	command := b.command("run", "--config", path)
	command.Env = append(os.Environ(), environment...)
	a := launchAgent(t, s, dir, command)
	a.waitStarted()
	a.waitEvents("clip/counter", 4)
	a.stop(syscall.SIGTERM)
	a.log() // libraries in other languages have their own ideas of what belongs there
	a.checkEvents()
	for _, e := range a.allEvents() {
		var seen sighting
		mustDecode(t, string(e.Data.Result), &seen)
		if seen.Counter < 0 || seen.Camera != 1 {
			t.Errorf("this is no picture of the clip: %s", e.Data.Result)
		}
	}
	checkReleased(t, s)
}

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// What must be transcoded goes through children of the agent. Killed ones are replaced while the streams go on, and none outlives the agent,
// whichever way that ends.
func TestTranscodersComeBackAndEnd(t *testing.T) {
	t.Parallel()
	z := newZoo(t, "modern=180p15:h265,old=180p15:mjpeg")
	z.start()
	names := []string{"modern", "old"}
	z.waitResults(2, names...)
	streams := z.waitStreams(names...)
	for range scale(1, 10) {
		children := z.waitTranscoders(2)
		for _, child := range children {
			must(t, child.kill())
		}
		waitGone(t, children)
		z.waitTranscoders(2)
		z.waitResults(3, names...)
	}
	z.waitSent("old", z.s.camerasNow()["old"].Frames+scale(0, 2700)) // three minutes: what is wrong may show late
	z.checkDecoded(streams)
	z.checkSame(streams)

	children := z.waitTranscoders(2)
	z.a.kill()
	waitGone(t, children)

	z.a = startAgentIn(t, z.s, z.dir)
	z.waitResults(2, names...)
	children = z.waitTranscoders(2)
	z.checkSame(streams)
	z.a.stop(syscall.SIGTERM)
	waitGone(t, children)
	for _, name := range names {
		z.checkSightings(t, name)
	}
	checkReleased(t, z.s)
}

// A process is one that ran; its number may be another's later.
type process struct {
	pid   int
	start string // since boot, in ticks
}

// processOf reads about a process, if there is one with this number that is not a zombie.
func processOf(pid int) (p process, parent int, name string, ok bool) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return p, 0, "", false
	}
	// proc_pid_stat(5): pid (comm) state ppid … starttime is field 22.
	_, after, _ := strings.Cut(string(text), "(")
	end := strings.LastIndex(after, ")")
	fields := strings.Fields(after[end+1:])
	parent, _ = strconv.Atoi(fields[1])
	return process{pid, fields[19]}, parent, after[:end], fields[0] != "Z"
}

func (p process) alive() bool {
	now, _, _, ok := processOf(p.pid)
	return ok && now == p
}

func (p process) kill() error { return syscall.Kill(p.pid, syscall.SIGKILL) }

// transcoders are the ffmpeg children of the agent.
func (a *agent) transcoders() (found []process) {
	a.t.Helper()
	entries, err := filepath.Glob("/proc/[0-9]*")
	must(a.t, err)
	for _, entry := range entries {
		pid, _ := strconv.Atoi(filepath.Base(entry))
		if p, parent, name, ok := processOf(pid); ok && parent == a.cmd.Process.Pid && name == "ffmpeg" {
			found = append(found, p)
		}
	}
	return found
}

// waitTranscoders blocks until the agent has n of them. When it starts it tries out which encoders work, with children that end soon.
func (z *zoo) waitTranscoders(n int) (found []process) {
	z.t.Helper()
	eventually(z.t, fmt.Sprintf("%d transcoders run", n), func() bool {
		found = z.a.transcoders()
		return len(found) == n
	})
	return found
}

func waitGone(t *testing.T, children []process) {
	t.Helper()
	eventually(t, fmt.Sprintf("the children %v are gone", children), func() bool { return !slices.ContainsFunc(children, process.alive) })
}

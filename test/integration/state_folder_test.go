package integration

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A state folder that takes no writes any more stops nobody. The agent says so, and is well again when the folder is.
func TestStateFolderInTrouble(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	for _, c := range []struct {
		name        string
		spoil, mend func(f *fleet)
		trouble     string
	}{
		{"full", (*fleet).fillDisk, (*fleet).emptyDisk, "no space left on device"},
		{"read-only", (*fleet).protectState, (*fleet).unprotectState, "read-only file system"},
		{"gone", (*fleet).moveState, (*fleet).moveStateBack, "no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t, f.dir = t, t.TempDir()
			a := f.startOnSmallDisk(smallDisk)
			first := f.waitHeld(a, 1)["cam-1"]
			a.waitReady(http.StatusOK, "")

			c.spoil(&f)
			second := f.replace(a, first)
			a.waitPart("agent", "journal", "failing")
			if _, trouble := a.part("agent", "journal"); !strings.Contains(trouble, c.trouble) {
				t.Errorf("the status page tells %q, want %q", trouble, c.trouble)
			}
			a.waitReady(http.StatusServiceUnavailable, "state folder")
			if n := a.metric("overshoot_agent_journal_write_failures_total"); n == 0 {
				t.Error("no failed writes are counted")
			}
			if !a.warned("journal", c.trouble) {
				t.Errorf("the log does not tell of the trouble %q", c.trouble)
			}
			a.waitEvents("cam-1/counter", 2)

			c.mend(&f)
			third := f.again(a, second)
			a.waitReady(http.StatusOK, "")
			if streams := f.journal(); len(streams) != 1 || streams[0].ID != third {
				t.Errorf("the journal has %+v, want the stream %s", streams, third)
			}
			a.stop(syscall.SIGTERM)
			f.checkReleased(map[string]string{"cam-1": third})
		})
	}
}

// An agent that finds its state folder full or read-only at its start goes on with the streams that the one before it left there, and is
// well when the folder is.
func TestStartOnSpoiltStateFolder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	const fill = `; dd if=/dev/zero of="$1/` + ballast + `" bs=64k status=none 2>/dev/null; true`
	for _, c := range []struct {
		name, spoil string
		kept        bool
		again, mend func(f *fleet)
	}{
		{"full", keepFiles + fill, true, (*fleet).fillDisk, (*fleet).emptyDisk}, // again: the spool gives up its ballast, and the journal gets that
		{"full from the first day", smallDisk + fill, false, (*fleet).fillDisk, (*fleet).emptyDisk},
		{"read-only", keepFiles + ` && mount -o remount,ro "$1"`, true, func(*fleet) {}, (*fleet).writeEnableDisk},
		{"read-only from the first day", smallDisk + ` && mount -o remount,ro "$1"`, false, func(*fleet) {}, (*fleet).writeEnableDisk},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := *f
			f.t, f.dir, f.more = t, t.TempDir(), "on_shutdown: keep"
			if !c.kept {
				f.more = "on_shutdown: release"
			}
			first := f.start()
			left := f.waitHeld(first, 1)
			first.stop(syscall.SIGTERM)

			f.more = "on_shutdown: release"
			second := f.startOnSmallDisk(c.spoil)
			held := f.waitHeld(second, 1)
			if maps.Equal(left, held) != c.kept {
				t.Errorf("the second agent holds %v, and the first left %v", held, left)
			}
			f.checkNoOrphans(held)
			c.again(&f)
			now := f.replace(second, held["cam-1"])
			second.waitReady(http.StatusServiceUnavailable, "state folder")

			c.mend(&f)
			f.again(second, now)
			second.waitReady(http.StatusOK, "")
			second.stop(syscall.SIGTERM)
		})
	}
}

// An agent that cannot have a state folder at all works without.
func TestStartWithoutStateFolder(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 1)
	must(t, os.MkdirAll(f.disk(), 0o750))
	must(t, os.WriteFile(f.stateDir(), nil, 0o600)) // where a folder should be
	a := f.start()
	held := f.waitHeld(a, 1)
	a.waitReady(http.StatusServiceUnavailable, "state folder")
	if state, trouble := a.part("agent", "journal"); state != "failing" || !strings.Contains(trouble, f.stateDir()) {
		t.Errorf("the journal is %q: %s", state, trouble)
	}
	a.waitEvents("cam-1/counter", 2)
	a.stop(syscall.SIGTERM)
	f.checkReleased(held)
}

// replace ends the lease of the only stream, and returns the next one as soon as the agent holds it. That changes the journal.
func (f *fleet) replace(a *agent, stream string) string {
	f.t.Helper()
	f.s.do(http.MethodPost, "/streams/"+stream+"/expire", "")
	eventually(f.t, "the agent holds another stream", func() bool {
		now := a.held()["cam-1"]
		return now != "" && now != stream
	})
	return f.waitHeld(a, 1)["cam-1"]
}

// again switches the camera off and on, and returns its new stream. That changes the journal as well, which has to be well then.
func (f *fleet) again(a *agent, stream string) string {
	f.t.Helper()
	f.cameras[0].disabled = true
	f.write()
	a.hangUp()
	f.checkReleased(map[string]string{"cam-1": stream})
	a.waitPart("agent", "journal", "ok")
	f.cameras[0].disabled = false
	f.write()
	a.hangUp()
	return f.waitHeld(a, 1)["cam-1"]
}

func (a *agent) waitReady(want int, words string) {
	a.t.Helper()
	eventually(a.t, "/readyz says "+strconv.Itoa(want)+" "+words, func() bool {
		code, text := a.get("/readyz")
		return code == want && strings.Contains(text, words)
	})
}

// Shell commands that put a file system of a few MB over the folder $1, empty or with the files that were there.
const (
	smallDisk = `mount -t tmpfs -o size=8m,mode=750 tmpfs "$1"`
	keepFiles = `cp -r "$1" "$1.kept" && ` + smallDisk + ` && cp -r "$1.kept/." "$1"`
)

// startOnSmallDisk runs an agent whose state folder is on a file system of a few MB of its own, seen by nobody else, which the shell makes
// by the command given. It needs namespaces, as root or as a user who may make them.
func (f *fleet) startOnSmallDisk(makeDisk string) *agent {
	f.t.Helper()
	f.write()
	must(f.t, os.MkdirAll(f.disk(), 0o750))
	args := []string{
		"--mount", "sh", "-c", makeDisk + ` && shift && exec "$@"`,
		"sh", f.disk(), agentProgram(f.t), "run", "--config", filepath.Join(f.dir, configName),
	}
	if os.Geteuid() != 0 {
		args = append([]string{"--map-root-user"}, args...)
	}
	a := launchAgent(f.t, f.s, f.dir, exec.Command("unshare", args...))
	a.waitStarted()
	f.pid = a.cmd.Process.Pid
	f.root = fmt.Sprintf("/proc/%d/root", f.pid)
	return a
}

const ballast = "ballast"

func (f *fleet) fillDisk() {
	f.t.Helper()
	file, err := os.Create(filepath.Join(f.root, f.disk(), ballast))
	must(f.t, err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 1024))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		f.t.Fatalf("filling the disk: %v", err)
	}
}

func (f *fleet) emptyDisk() {
	f.t.Helper()
	must(f.t, os.Remove(filepath.Join(f.root, f.disk(), ballast)))
}

// protectState covers the state folder with a read-only view of itself. The file system as a whole cannot be made read-only while the agent
// has a lock there.
func (f *fleet) protectState() {
	f.t.Helper()
	f.mount("mount", "--bind", f.stateDir(), f.stateDir())
	f.mount("mount", "-o", "remount,bind,ro", f.stateDir())
}

func (f *fleet) unprotectState() {
	f.t.Helper()
	f.mount("umount", f.stateDir())
}

func (f *fleet) writeEnableDisk() {
	f.t.Helper()
	f.mount("mount", "-o", "remount,rw", f.disk())
}

// mount runs a command among the mounts that the agent sees.
func (f *fleet) mount(command ...string) {
	f.t.Helper()
	args := []string{"--target", strconv.Itoa(f.pid), "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	if text, err := exec.Command("nsenter", append(args, command...)...).CombinedOutput(); err != nil {
		f.t.Fatalf("%v: %v %s", command, err, text)
	}
}

func (f *fleet) moveState() {
	f.t.Helper()
	must(f.t, os.Rename(filepath.Join(f.root, f.stateDir()), filepath.Join(f.root, f.disk(), "away")))
}

func (f *fleet) moveStateBack() {
	f.t.Helper()
	must(f.t, os.Rename(filepath.Join(f.root, f.disk(), "away"), filepath.Join(f.root, f.stateDir())))
}

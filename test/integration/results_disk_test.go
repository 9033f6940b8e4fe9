package integration

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// While the disk of the spool is full, or read-only, or cannot sync, the agent goes on: results arrive at the sinks that work. When the disk is well
// again so is the spool, and what was lost meanwhile is what the metrics say.

func TestResultsOutliveAFullDisk(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.addFile("archive", "")
	hook := o.addHook("hook", "batch: 50")
	d := o.startOnDisk(`mount -t tmpfs -o size=8m,mode=750 tmpfs "$1"`)
	o.ledger.waitProbe()
	hook.down() // so that there is much to keep
	d.fill()
	eventually(t, "the spool says that it is in trouble", func() bool { return d.spool() != "ok" })
	o.waitAnswers(scale(100, 3000))
	d.checkGoesOn()
	t.Logf("while the disk is full: spool %s, dropped %v", d.spool(), d.dropped())
	d.free()
	d.waitNoDrops().report(t, "until nothing is dropped any more, since there was room again", 10*time.Second)
	hook.up()
	d.checkRecovers("then")
}

// waitNoDrops blocks until nothing was dropped for some seconds, and returns how long it took until then.
func (d *diskLoad) waitNoDrops() durations {
	d.t.Helper()
	start := time.Now()
	last, since := d.dropped()["hook"], start
	eventually(d.t, "the agent drops nothing any more", func() bool {
		if now := d.dropped()["hook"]; now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 3*time.Second
	})
	return durations{since.Sub(start)}
}

func TestResultsOutliveAReadOnlyDisk(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.addFile("archive", "")
	o.addHook("hook", "batch: 50")
	d := o.startOnDisk(`mount -t tmpfs -o size=8m,mode=750 tmpfs "$1" && mount -o remount,ro "$1"`)
	d.a.waitPart("agent", "spool", "memory")
	d.a.waitReady(http.StatusServiceUnavailable, "memory only")
	d.checkGoesOn()
	d.mount("mount", "-o", "remount,rw", filepath.Dir(o.stateDir()))
	d.checkRecovers("the disk took writes again")
}

func TestResultsOutliveAStateFolderThatIsGone(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.addFile("archive", "")
	hook := o.addHook("hook", "batch: 50")
	d := o.startOnDisk(`mount -t tmpfs -o size=8m,mode=750 tmpfs "$1"`)
	o.ledger.waitProbe()
	hook.down() // what waits for it is in the file that is going to be gone
	o.waitAnswers(100)
	away := filepath.Join(d.root, filepath.Dir(o.stateDir()), "away")
	must(t, os.Rename(filepath.Join(d.root, o.stateDir()), away))
	d.checkGoesOn()
	must(t, os.Rename(away, filepath.Join(d.root, o.stateDir())))
	hook.up()
	d.checkRecovers("the folder was there again")
}

func TestResultsOutliveFailingSyncs(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.program = program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent") // strace and the race detector together are too slow
	o.addFile("archive", "")
	hook := o.addHook("hook", "batch: 50")
	o.addHook("well", "") // the file cannot be synced either
	d := o.startOnDisk("true")
	o.ledger.waitProbe()
	hook.down() // so that the file that is given up has results that are needed
	o.waitAnswers(50)
	syncs := d.failSyncs()
	o.waitAnswers(100)
	eventually(t, "a failed sync is noticed", func() bool {
		return d.a.metric("overshoot_agent_spool_quarantined_files_total") > 0 || d.spool() == "memory"
	})
	d.checkGoesOn()
	t.Logf("while syncs fail: spool %s, files set aside %v", d.spool(), d.a.metric("overshoot_agent_spool_quarantined_files_total"))
	syncs()
	hook.up()
	d.checkRecovers("syncs worked again")
}

// A diskLoad is a load whose agent has its state folder on a file system of its own, seen by nobody else.
type diskLoad struct {
	*load
	a    *agent
	root string // where we find the files that it sees
}

// startOnDisk runs an agent on what the shell makes of the folder $1 by the command given, and blocks until it has started.
func (o *load) startOnDisk(makeDisk string) *diskLoad {
	o.t.Helper()
	command := o.command()
	args := append([]string{"--mount", "sh", "-c", makeDisk + ` && shift && exec "$@"`, "sh", filepath.Dir(o.stateDir())}, command.Args...)
	if os.Geteuid() != 0 {
		args = append([]string{"--map-root-user"}, args...)
	}
	a := launchAgent(o.t, o.s, o.dir, exec.Command("unshare", args...))
	a.waitStarted()
	return &diskLoad{load: o, a: a, root: fmt.Sprintf("/proc/%d/root", a.cmd.Process.Pid)}
}

// mount runs a command among the mounts that the agent sees.
func (d *diskLoad) mount(command ...string) {
	d.t.Helper()
	args := []string{"--target", strconv.Itoa(d.a.cmd.Process.Pid), "--mount"}
	if os.Geteuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	if text, err := exec.Command("nsenter", append(args, command...)...).CombinedOutput(); err != nil {
		d.t.Fatalf("%v: %v %s", command, err, text)
	}
}

func (d *diskLoad) filler() string { return filepath.Join(d.root, filepath.Dir(d.stateDir()), ballast) }

// fill takes all room that is left on the disk.
func (d *diskLoad) fill() {
	d.t.Helper()
	file, err := os.Create(d.filler())
	must(d.t, err)
	defer file.Close()
	for err == nil {
		_, err = file.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("filling the disk: %v", err)
	}
}

func (d *diskLoad) free() {
	d.t.Helper()
	must(d.t, os.Remove(d.filler()))
}

// failSyncs makes each sync of the agent fail until the returned function is called.
func (d *diskLoad) failSyncs() (stop func()) {
	d.t.Helper()
	said := &output{}
	strace := exec.Command("strace", "-f", "-p", strconv.Itoa(d.a.cmd.Process.Pid), "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO")
	strace.Stderr, strace.SysProcAttr = said, die()
	must(d.t, strace.Start())
	eventually(d.t, "strace is attached", func() bool { return strings.Contains(said.String(), "attached") })
	return func() {
		must(d.t, strace.Process.Signal(syscall.SIGINT)) // it lets go of the agent
		_ = strace.Wait()                                // it ends by the same signal
	}
}

// spool returns the state of the spool.
func (d *diskLoad) spool() string {
	d.t.Helper()
	state, _ := d.a.part("agent", "spool")
	return state
}

// dropped returns what the agent says that sinks did not get.
func (d *diskLoad) dropped() map[string]float64 {
	d.t.Helper()
	dropped := map[string]float64{}
	for _, name := range d.names {
		for _, reason := range []string{"size", "age", "corrupt"} {
			dropped[name] += d.a.metric("overshoot_agent_spool_dropped_total", "sink", name, "reason", reason)
		}
	}
	return dropped
}

// checkGoesOn fails the test unless the agent lives and what is answered arrives at some sink.
func (d *diskLoad) checkGoesOn() {
	d.t.Helper()
	start := time.Now()
	eventually(d.t, "results arrive while the disk is in trouble", func() bool {
		d.ledger.refresh()
		return slices.ContainsFunc(d.ledger.sinks, func(a *arrivals) bool { return d.ledger.hasSince(a, start) })
	})
	if code, text := d.a.get("/healthz"); code != http.StatusOK {
		d.t.Errorf("/healthz: %d %s", code, text)
	}
}

// checkRecovers is called when the disk is well again, and does the rest of the test.
func (d *diskLoad) checkRecovers(since string) {
	t := d.t
	t.Helper()
	start := time.Now()
	d.a.waitPart("agent", "spool", "ok")
	took := durations{time.Since(start)}
	d.ledger.waitProbe()
	d.quiet()
	dropped := d.dropped()
	for name, n := range dropped {
		d.ledger.excuse(name, int64(n))
	}
	d.ledger.waitComplete(patience)
	took.report(t, "until the spool is well, since "+since, 10*time.Second)
	t.Logf("dropped and counted: %v", dropped)
	d.ledger.ending()
	d.a.stop(syscall.SIGTERM)
	d.ledger.ended("")
	d.ledger.check()
}

package integration

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What systemd hears of an agent from its start to its end, and what it does not hear while the agent is frozen.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2)
	m := listenAsManager(t)
	f.write()
	// The watchdog is for one process, whose number is that of the shell.
	command := exec.Command("sh", "-c", `WATCHDOG_PID=$$ exec "$@"`, "sh", agentProgram(t), "run", "--config", filepath.Join(f.dir, configName))
	command.Env = append(os.Environ(), "NOTIFY_SOCKET="+m.path, "WATCHDOG_USEC=1500000")
	a := launchAgent(t, f.s, f.dir, command)
	m.wait("READY=1")
	a.waitStarted()
	f.waitHeld(a, 2)
	m.wait("WATCHDOG=1")
	m.wait("STATUS=ready")

	before := monotonic(t)
	must(t, a.cmd.Process.Signal(syscall.SIGHUP))
	m.waitReload(before)

	freeze(f, a, m)

	must(t, a.cmd.Process.Signal(syscall.SIGTERM))
	m.wait("STOPPING=1")
	<-a.ended
	if code := a.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	checkReleased(t, f.s)
}

// freeze stops the process for longer than the watchdog would wait. When it goes on, the first it does about its streams is to keep them alive.
func freeze(f *fleet, a *agent, m *manager) {
	f.t.Helper()
	a.waitEvents("cam-1/counter", 2)
	a.waitEvents("cam-2/counter", 2)
	must(f.t, a.cmd.Process.Signal(syscall.SIGSTOP))
	eventually(f.t, "the process is frozen", a.frozen)
	m.drain()
	asked := f.s.lastCall()
	if word, heard := m.next(7 * time.Second); heard {
		f.t.Errorf("%q from a frozen process", word)
	}
	if calls := f.s.callsSince(asked); len(calls) > len(f.cameras) { // one question of each could be on its way
		f.t.Errorf("%d calls came from a frozen process", len(calls))
	}
	asked = f.s.lastCall()
	must(f.t, a.cmd.Process.Signal(syscall.SIGCONT))
	m.wait("WATCHDOG=1")
	a.waitEvents("cam-1/counter", 2)
	a.waitEvents("cam-2/counter", 2)
	first := map[string]string{}
	for _, c := range f.s.callsSince(asked) {
		if c.Stream != "" && first[c.Stream] == "" {
			first[c.Stream] = c.Op
		}
	}
	for camera, stream := range a.held() {
		if first[stream] != "keepalive" {
			f.t.Errorf("%s: after the freeze the first call is %q, want keepalive", camera, first[stream])
		}
	}
	if n := len(f.s.calls("create")); n != len(f.cameras) {
		f.t.Errorf("%d streams were made for %d cameras", n, len(f.cameras))
	}
}

// frozen tells whether the process stands still.
func (a *agent) frozen() bool {
	a.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", a.cmd.Process.Pid))
	must(a.t, err)
	_, state, _ := strings.Cut(string(text), ") ") // behind the name of the program
	return strings.HasPrefix(state, "T")
}

// A manager hears what services tell a service manager.
type manager struct {
	t    *testing.T
	path string
	conn *net.UnixConn
}

func listenAsManager(t *testing.T) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "notify") // a path that fits into the address of a socket
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m := &manager{t: t, path: filepath.Join(dir, "socket")}
	m.conn, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.path, Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { _ = m.conn.Close() })
	return m
}

// next returns the next datagram, or reports that none came for so long.
func (m *manager) next(limit time.Duration) (word string, heard bool) {
	m.t.Helper()
	must(m.t, m.conn.SetReadDeadline(time.Now().Add(limit)))
	var buffer [4096]byte
	n, err := m.conn.Read(buffer[:])
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", false
	}
	must(m.t, err)
	return string(buffer[:n]), true
}

// wait blocks until a datagram comes that begins so, and returns it.
func (m *manager) wait(prefix string) string {
	m.t.Helper()
	for {
		word, heard := m.next(patience)
		if !heard {
			m.t.Fatalf("waited %v in vain for %s", patience, prefix)
		}
		if strings.HasPrefix(word, prefix) {
			return word
		}
	}
}

// drain forgets the datagrams that have come already.
func (m *manager) drain() {
	m.t.Helper()
	for heard := true; heard; {
		_, heard = m.next(time.Millisecond)
	}
}

// waitReload blocks until a reload was told of from beginning to end, and checks the time at which it is said to have begun.
func (m *manager) waitReload(before int64) {
	m.t.Helper()
	began, found := strings.CutPrefix(m.wait("RELOADING=1"), "RELOADING=1\nMONOTONIC_USEC=")
	at, err := strconv.ParseInt(strings.TrimSpace(began), 10, 64)
	if now := monotonic(m.t); !found || err != nil || at < before || at > now {
		m.t.Errorf("the reload began at %q, want a time from %d to %d", began, before, now)
	}
	m.wait("READY=1")
}

// monotonic is the clock of sd_notify, in microseconds.
func monotonic(t *testing.T) int64 {
	t.Helper()
	var now unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &now))
	return now.Nano() / 1000
}

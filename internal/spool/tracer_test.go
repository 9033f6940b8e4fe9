package spool_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// touching are the system calls that change files.
var touching = map[uint64]bool{
	unix.SYS_PWRITE64: true, unix.SYS_FDATASYNC: true, unix.SYS_FSYNC: true, unix.SYS_FTRUNCATE: true, unix.SYS_FALLOCATE: true,
	unix.SYS_UNLINKAT: true, unix.SYS_RENAMEAT: true, unix.SYS_RENAMEAT2: true,
}

// A tracer stops a process at each system call of any of its threads. A debugger could do the same; strace counts the calls of each thread by
// itself, so that nobody knows which call of the process is the nth.
type tracer struct {
	pid   int
	calls int // that change files, so far
	last  int // the one before which the process is killed
}

// killAtCall runs a process until it is about to change a file for the nth time, and kills it there. It tells whether it came so far.
func killAtCall(t *testing.T, victim *exec.Cmd, n int) bool {
	t.Helper()
	runtime.LockOSThread() // the kernel wants all questions about a process from the same thread
	defer runtime.UnlockOSThread()
	victim.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Setpgid: true}
	if err := victim.Start(); err != nil {
		t.Fatal("starting a process that is traced (in a container that takes the capability SYS_PTRACE):", err)
	}
	tr := &tracer{pid: victim.Process.Pid, last: n}
	defer victim.Process.Release()
	var status unix.WaitStatus
	_, err := unix.Wait4(tr.pid, &status, unix.WALL, nil)
	if err == nil {
		err = unix.PtraceSetOptions(tr.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL)
	}
	if err == nil {
		err = unix.PtraceSyscall(tr.pid, 0)
	}
	if err == nil {
		err = tr.follow()
	}
	if err != nil {
		_ = unix.Kill(tr.pid, unix.SIGKILL)
		t.Fatal("tracing a process:", err)
	}
	return tr.calls >= n
}

// follow returns when the process has ended.
func (tr *tracer) follow() error {
	for {
		var status unix.WaitStatus
		thread, err := unix.Wait4(-tr.pid, &status, unix.WALL, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return nil
		case err != nil:
			return err
		case !status.Stopped():
			continue
		}
		err = unix.PtraceSyscall(thread, tr.look(thread, status.StopSignal()))
		if err != nil && !errors.Is(err, unix.ESRCH) { // it was killed
			return err
		}
	}
}

// look looks at a thread that has stopped, and returns the signal with which it goes on.
func (tr *tracer) look(thread int, signal unix.Signal) int {
	switch signal {
	case unix.SIGTRAP | 0x80:
		if touching[entering(thread)] {
			if tr.calls++; tr.calls == tr.last {
				_ = unix.Kill(tr.pid, unix.SIGKILL)
			}
		}
		return 0
	case unix.SIGTRAP, unix.SIGSTOP: // a thread begins
		return 0
	}
	return int(signal)
}

// entering returns the number of the system call that a thread is about to make; one that does not exist when it comes back from one.
func entering(thread int) uint64 {
	const ptraceGetSyscallInfo, entry = 0x420e, 1
	var info struct {
		op   uint8
		_    [3]uint8
		arch uint32
		_    [2]uint64
		nr   uint64
		_    [7]uint64
	}
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceGetSyscallInfo, uintptr(thread), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno != 0 || info.op != entry {
		return ^uint64(0)
	}
	return info.nr
}

// aVictim is a process that does what beVictim does, and writes what it says into a file.
func aVictim(t *testing.T, folder, said string, more ...string) *exec.Cmd {
	t.Helper()
	out, err := os.OpenFile(said, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	victim := exec.Command(os.Args[0])
	victim.Env = append(append(os.Environ(), asVictim+"="+folder), more...)
	victim.Stdout, victim.Stderr = out, os.Stderr
	return victim
}

// Package child runs child processes that never outlive the simulator, not even when it is killed.
package child

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Process is a started child. All methods may be called from any goroutine.
type Process struct {
	process *os.Process
	done    chan struct{}
	err     error
}

// Start starts cmd and waits for it in the background. The kernel kills the child when the thread that started it ends,
// so that thread is kept for as long as the child lives. The caller must not call cmd.Wait.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	child := &Process{done: make(chan struct{})}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		child.process = cmd.Process
		started <- err
		if err == nil {
			child.err = cmd.Wait()
			close(child.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return child, nil
}

// PID returns the process id, also after the end.
func (c *Process) PID() int { return c.process.Pid }

// Done is closed when the child has ended and all its output was taken.
func (c *Process) Done() <-chan struct{} { return c.done }

// Err says how the child ended, nil for exit status 0; it is valid once Done is closed.
func (c *Process) Err() error { return c.err }

// Signal sends a signal. It does nothing when the child has ended.
func (c *Process) Signal(signal syscall.Signal) { _ = c.process.Signal(signal) }

// Stop freezes the child and waits until it stands still: the signal alone takes effect a moment later.
func (c *Process) Stop() {
	c.Signal(syscall.SIGSTOP)
	// An exit ends the wait as well, and a child that is gone cannot be waited for: both stand still.
	_ = unix.Waitid(unix.P_PID, c.PID(), nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
}

// Kill sends SIGKILL and waits for the end.
func (c *Process) Kill() {
	c.Signal(syscall.SIGKILL)
	<-c.done
}

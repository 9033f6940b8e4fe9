package demo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A child is a program that we started and that ends when we do.
type child struct {
	name  string
	log   string // path of the file with its standard error
	cmd   *exec.Cmd
	ended chan struct{} // closed when the program has ended
	err   error         // of the end; valid once ended is closed
}

// start runs cmd with its standard error in the file log. The child has a process group of its own, so that Ctrl-C on the terminal reaches
// us alone and we stop things in order. If we die without that, the kernel tells the child.
func start(name string, cmd *exec.Cmd, log string) (*child, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, fmt.Errorf("the log of the %s: %w", name, err)
	}
	defer file.Close() // the child has its own
	cmd.Stderr = file
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	c := &child{name: name, log: log, cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go c.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting the %s: %w", name, err)
	}
	return c, nil
}

// run starts the child and waits for its end on one thread: the kernel sends the death signal when the starting thread ends.
func (c *child) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.ended)
}

// stop asks the child to end, kills it when it does not within the patience, and returns how it ended. It may be called again.
func (c *child) stop(patience time.Duration) error {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	select {
	case <-c.ended:
		return c.err
	case <-time.After(patience):
		_ = c.cmd.Process.Kill()
		<-c.ended
		return fmt.Errorf("the %s did not end within %v and was killed", c.name, patience)
	}
}

// exitCode is the code of a child that has ended; -1 when a signal ended it.
func (c *child) exitCode() int { return c.cmd.ProcessState.ExitCode() }

// failure is the error of a child that ended though nobody asked it to, with the last lines of its log.
func (c *child) failure() error {
	why := errors.New("exit status 0")
	if c.err != nil {
		why = c.err
	}
	return fmt.Errorf("the %s ended by itself: %w; its last lines in %s:\n%s", c.name, why, c.log, lastLines(c.log, 12))
}

// lastLines returns up to n last lines of a file, indented.
func lastLines(path string, n int) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return "  " + err.Error()
	}
	lines := strings.Split(string(bytes.TrimSpace(data)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}

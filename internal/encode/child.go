package encode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// niceness puts ffmpeg behind the agent's own goroutines: pictures may be late, leases may not.
const niceness = 5

// A child is a running ffmpeg. It ends when it is killed, and with the agent, however that ends.
type child struct {
	stdin, stdout, stderr *os.File // our ends of its pipes
	usage                 *usage
	cmd                   *exec.Cmd
	done                  chan struct{} // closed when it is gone
	ended                 error         // how, nil for exit status 0; valid once done is closed, see end
}

// startChild starts program. Every child needs a converse, which ends it.
func startChild(program string, args []string) (*child, error) {
	c := &child{done: make(chan struct{}), cmd: exec.Command(program, args...)}
	c.cmd.Env = environment(os.Environ())
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	theirs, err := c.pipes()
	if err == nil {
		err = c.start()
	}
	closeAll(theirs...)
	if err != nil {
		closeAll(c.stdin, c.stdout, c.stderr)
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	// Best effort: without it everything works as well, as long as the machine is not busy.
	_ = unix.Setpriority(unix.PRIO_PGRP, c.cmd.Process.Pid, niceness)
	return c, nil
}

// pipes makes the pipes and returns the child's ends.
func (c *child) pipes() (theirs []*os.File, err error) {
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	stdin, ours := pipe()
	c.stdin = ours
	out, stdout := pipe()
	c.stdout = out
	diagnostics, stderr := pipe()
	c.stderr = diagnostics
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = stdin, stdout, stderr
	return []*os.File{stdin, stdout, stderr}, err
}

func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			_ = f.Close()
		}
	}
}

// start starts the process and a goroutine that waits for its end. The kernel kills the child when the thread that started it ends (not
// the process, whatever the manual says), so that goroutine keeps its thread.
func (c *child) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		if err == nil {
			c.usage, err = newUsage(c.cmd.Process.Pid)
			if err != nil {
				_ = c.cmd.Process.Kill()
				_ = c.cmd.Wait()
			}
		}
		started <- err
		if err == nil {
			c.wait()
		}
	}()
	return <-started
}

// wait reaps the child, and before that whatever is left of its group: until then nobody else can have its id.
func (c *child) wait() {
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.ended = c.cmd.Wait()
	close(c.done)
}

// kill ends the child and all it started. What is read from it or written to it after that ends soon. It may be called again, and from any
// goroutine. It does not wait for ever: a process that hangs in a driver cannot be killed before the driver lets it go.
func (c *child) kill() {
	_ = c.cmd.Process.Kill() // harmless when it is gone
	patience := time.NewTimer(killGrace)
	defer patience.Stop()
	select {
	case <-c.done:
	case <-patience.C:
	}
	c.limitPipes()
}

const (
	// grace is how long a child may take to end by itself, and its last words to arrive.
	grace = time.Second
	// killGrace is how long one may take that was killed.
	killGrace = 5 * time.Second
)

// limitPipes ends reads and writes that a process might hold up that left the child's group, or that cannot be killed.
func (c *child) limitPipes() {
	for _, f := range []*os.File{c.stdin, c.stdout, c.stderr} {
		_ = f.SetDeadline(time.Now().Add(grace))
	}
}

// settle waits for a child that closed its output, so that it can say how it ended.
func (c *child) settle(ctx context.Context) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// converse runs the parts of a conversation with the child, each on a goroutine of its own: they write to it, read from it and watch it. It
// returns when all have returned, with the first error if there was one; the child is killed as soon as one fails or ctx ends. Afterwards the
// child is gone, unless it cannot be killed.
func (c *child) converse(ctx context.Context, parts ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, c.kill)
	defer stop()
	for _, part := range parts {
		guard.Go(group, func() error { return part(ctx) })
	}
	err := group.Wait()
	c.kill()
	closeAll(c.stdin, c.stdout, c.stderr, c.usage.stat)
	return err
}

// errImmortal: it is left to itself, and to the goroutine that waits for its end.
var errImmortal = errors.New("a driver hangs, it cannot even be killed")

// end returns how the child ended, nil for exit status 0. Call it after converse.
func (c *child) end() error {
	select {
	case <-c.done:
		return c.ended
	default:
		return errImmortal
	}
}

// verdict says the same in words.
func (c *child) verdict() string {
	switch err := c.end(); err {
	case nil:
		return "ffmpeg ended by itself"
	case errImmortal:
		return "ffmpeg does not end: " + err.Error()
	default:
		return "ffmpeg ended with " + err.Error()
	}
}

// processorTime is what the child used so far, exact once it is gone.
func (c *child) processorTime() time.Duration {
	select {
	case <-c.done:
		return c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	default:
		return c.usage.read()
	}
}

// find returns the path of ffmpeg.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %s", program, strings.TrimPrefix(err.Error(), "exec: "))
	}
	return path, nil
}

// Package child runs other people's programs beside the agent: each in a process group of its own, behind the agent's own work, ended when it
// is no longer wanted and when the agent ends, however that ends. What such a program says goes to the log, and what it costs to the metrics.
package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// niceness puts children behind the agent's own goroutines: pictures may be late, leases may not.
const niceness = 5

// A Command says what to run.
type Command struct {
	Program string   // a path, see Find
	Args    []string // without the program
	Env     []string // all of its environment, see Environment
	Dir     string   // where it starts; "" for where the agent did
	NoInput bool     // it has nothing to read, and Stdin is nil

	// Grace is how long it may take to end when it is asked to (SIGTERM), before it is killed: time to give a device back. 0: it is killed
	// at once. Processes it started are asked as well, and killed when it is gone.
	Grace time.Duration
}

// A Child is a running program. It ends when it is killed, and with the agent, however that ends.
type Child struct {
	Stdin, Stdout, Stderr *os.File // our ends of its pipes

	name  string
	grace time.Duration
	usage *usage
	cmd   *exec.Cmd
	alive sync.Mutex    // held while it is signalled or reaped: after that its id may be somebody else's
	done  chan struct{} // closed when it is gone
	ended error         // how, nil for exit status 0; valid once done is closed, see End
}

// Start starts a program. Every child needs a Converse, which ends it.
func Start(what Command) (*Child, error) {
	c := &Child{name: filepath.Base(what.Program), grace: what.Grace, done: make(chan struct{}), cmd: exec.Command(what.Program, what.Args...)}
	c.cmd.Env, c.cmd.Dir = what.Env, what.Dir
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	theirs, err := c.pipes(!what.NoInput)
	if err == nil {
		err = c.start()
	}
	closeAll(theirs...)
	if err != nil {
		closeAll(c.Stdin, c.Stdout, c.Stderr)
		return nil, fmt.Errorf("starting %s: %w", what.Program, err)
	}
	// Best effort: without it everything works as well, as long as the machine is not busy.
	_ = unix.Setpriority(unix.PRIO_PGRP, c.cmd.Process.Pid, niceness)
	return c, nil
}

// pipes makes the pipes and returns the child's ends. A child without input reads /dev/null.
func (c *Child) pipes(input bool) (theirs []*os.File, err error) {
	pipe := func() (r, w *os.File) {
		if err == nil {
			r, w, err = os.Pipe()
		}
		return r, w
	}
	if input {
		stdin, ours := pipe()
		c.Stdin, c.cmd.Stdin = ours, stdin
		theirs = append(theirs, stdin)
	}
	out, stdout := pipe()
	c.Stdout = out
	diagnostics, stderr := pipe()
	c.Stderr = diagnostics
	c.cmd.Stdout, c.cmd.Stderr = stdout, stderr
	return append(theirs, stdout, stderr), err
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
func (c *Child) start() error {
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
func (c *Child) wait() {
	for {
		err := unix.Waitid(unix.P_PID, c.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	c.alive.Lock()
	defer c.alive.Unlock()
	_ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL)
	c.ended = c.cmd.Wait()
	close(c.done)
}

// Done is closed when the child is gone.
func (c *Child) Done() <-chan struct{} { return c.done }

// Kill ends the child and all it started, by its grace or at once. What is read from it or written to it after that ends soon. It may be called again, and from any
// goroutine. It does not wait for ever: a process that hangs in a driver cannot be killed before the driver lets it go.
func (c *Child) Kill() {
	if c.grace > 0 && c.ask() {
		c.await(c.grace)
	}
	_ = c.cmd.Process.Kill() // harmless when it is gone
	c.await(killGrace)
	c.limitPipes()
}

// ask tells the child and all it started to end, and reports false when it is gone.
func (c *Child) ask() bool {
	c.alive.Lock()
	defer c.alive.Unlock()
	select {
	case <-c.done:
		return false
	default:
		return syscall.Kill(-c.cmd.Process.Pid, syscall.SIGTERM) == nil
	}
}

// await waits for the end of the child, and not for ever.
func (c *Child) await(patience time.Duration) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	}
}

const (
	// grace is how long a child may take to end by itself, and its last words to arrive.
	grace = time.Second
	// killGrace is how long one may take that was killed.
	killGrace = 5 * time.Second
)

// limitPipes ends reads and writes that a process might hold up that left the child's group, or that cannot be killed.
func (c *Child) limitPipes() {
	for _, f := range []*os.File{c.Stdin, c.Stdout, c.Stderr} {
		_ = f.SetDeadline(time.Now().Add(grace)) // of no file: an error
	}
}

// Settle waits for a child that closed its output, so that it can say how it ended.
func (c *Child) Settle(ctx context.Context) {
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Converse runs the parts of a conversation with the child, each on a goroutine of its own: they write to it, read from it and watch it. It
// returns when all have returned, with the first error if there was one; the child is killed as soon as one fails or ctx ends. Afterwards the
// child is gone, unless it cannot be killed.
func (c *Child) Converse(ctx context.Context, parts ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	stop := context.AfterFunc(ctx, c.Kill)
	defer stop()
	for _, part := range parts {
		guard.Go(group, func() error { return part(ctx) })
	}
	err := group.Wait()
	c.Kill()
	closeAll(c.Stdin, c.Stdout, c.Stderr, c.usage.stat)
	return err
}

// errImmortal: it is left to itself, and to the goroutine that waits for its end.
var errImmortal = errors.New("a driver hangs, it cannot even be killed")

// End returns how the child ended, nil for exit status 0. Call it after Converse.
func (c *Child) End() error {
	select {
	case <-c.done:
		return c.ended
	default:
		return errImmortal
	}
}

// Verdict says the same in words.
func (c *Child) Verdict() string {
	switch err := c.End(); err {
	case nil:
		return c.name + " ended by itself"
	case errImmortal:
		return c.name + " does not end: " + err.Error()
	default:
		return c.name + " ended with " + err.Error()
	}
}

// ProcessorTime is what the child used so far, exact once it is gone.
func (c *Child) ProcessorTime() time.Duration {
	select {
	case <-c.done:
		return c.cmd.ProcessState.UserTime() + c.cmd.ProcessState.SystemTime()
	default:
		return c.usage.read()
	}
}

// Find returns the path of a program: "ffmpeg", or a path to it.
func Find(program string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %s", program, strings.TrimPrefix(err.Error(), "exec: "))
	}
	return path, nil
}

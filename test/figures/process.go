package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A process is a child that ends with us. Its output is kept for when it fails.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu     sync.Mutex
	output bytes.Buffer
}

// start starts a program; env adds to its environment.
func start(env []string, program string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, args...), done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p, p
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // what matters is that it ended
	}()
	return p, nil
}

// Write takes the output of the child, up to a size.
func (p *process) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.output.Len() < 1<<20 {
		p.output.Write(text)
	}
	return len(text), nil
}

// alive returns an error with the end of the output if the process has ended.
func (p *process) alive() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	return p.failure("it ended")
}

func (p *process) failure(what string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.output.String()
	return fmt.Errorf("%s: %s: …%s", p.cmd.Path, what, text[max(0, len(text)-4000):])
}

// stop ends the process, politely at first.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// cpu returns the CPU time that the process has used, user and system: what /proc/PID/stat shows in hundredths of a second, in full precision.
func (p *process) cpu() (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED, see clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("the CPU time of %s: %w", p.cmd.Path, err)
	}
	return time.Duration(t.Nano()), nil
}

// memory is how many bytes of a process are resident, and how many of them are no mapped file, such as the program itself.
type memory struct{ resident, anonymous float64 }

func (p *process) memory() (m memory, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return m, err
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		kilobytes, _ := strconv.ParseFloat(fields[0], 64)
		switch name {
		case "VmRSS":
			m.resident = kilobytes * 1024
		case "RssAnon":
			m.anonymous = kilobytes * 1024
		}
	}
	if m.resident == 0 {
		return m, errors.New("the kernel does not tell the memory of " + p.cmd.Path)
	}
	return m, nil
}

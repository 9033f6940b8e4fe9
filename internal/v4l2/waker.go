package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// A waker lets the end of a context interrupt a poll: by an eventfd that is polled beside the device. It serves one poll at a time.
type waker struct{ fd int }

func newWaker() (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("making an eventfd: %w", err)
	}
	return &waker{fd: fd}, nil
}

func (w *waker) close() error { return unix.Close(w.fd) }

// poll waits for events of fd; see Device.Wait. What it returns is never 0 without an error.
func (w *waker) poll(ctx context.Context, fd int, want int16, timeout time.Duration) (int16, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	defer w.arm(ctx)()
	deadline := time.Now().Add(timeout)
	for {
		fds := []unix.PollFd{{Fd: int32(fd), Events: want}, {Fd: int32(w.fd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, patience(timeout, deadline))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, fmt.Errorf("poll: %w", err)
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case fds[0].Revents != 0:
			return fds[0].Revents, nil
		case n == 0 && !time.Now().Before(deadline):
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// patience is what is left until the deadline, in the form that poll wants it, rounded up.
func patience(timeout time.Duration, deadline time.Time) int {
	if timeout == 0 {
		return -1
	}
	return int(max(0, time.Until(deadline)+time.Millisecond-1) / time.Millisecond)
}

// arm makes the end of ctx write to the eventfd, until the returned function is called. After that nothing writes any more, and nothing is left
// to be read.
func (w *waker) arm(ctx context.Context) (disarm func()) {
	written := make(chan struct{})
	one := [8]byte{1}
	stop := context.AfterFunc(ctx, func() {
		defer close(written)
		_, _ = unix.Write(w.fd, one[:]) // fails only where the counter is full, and then it wakes as well
	})
	return func() {
		if stop() {
			return
		}
		<-written
		_, _ = unix.Read(w.fd, one[:])
	}
}

// wakers are as many as polls run at the same time.
type wakers struct {
	mu   sync.Mutex
	idle []*waker
}

func (w *wakers) take() (*waker, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if last := len(w.idle) - 1; last >= 0 {
		taken := w.idle[last]
		w.idle = w.idle[:last]
		return taken, nil
	}
	return newWaker()
}

func (w *wakers) giveBack(taken *waker) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.idle = append(w.idle, taken)
}

func (w *wakers) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var failures []error
	for _, each := range w.idle {
		failures = append(failures, each.close())
	}
	w.idle = nil
	return errors.Join(failures...)
}

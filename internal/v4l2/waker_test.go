package v4l2

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A pipe can be polled as a device can.
func pipe(t *testing.T) (r, w int) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fds[0]); unix.Close(fds[1]) })
	return fds[0], fds[1]
}

func wakerOf(t *testing.T) *waker {
	t.Helper()
	w, err := newWaker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.close() })
	return w
}

func TestPollIsInterruptedByItsContext(t *testing.T) {
	r, in := pipe(t)
	w := wakerOf(t)
	for range 100 { // the wake-up of one round must not reach the next
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			_, err := w.poll(ctx, r, unix.POLLIN, 0)
			ended <- err
		}()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Fatalf("poll returned %v", err)
		}
		if _, err := w.poll(t.Context(), r, unix.POLLIN, time.Nanosecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the next poll returned %v", err)
		}
	}
	if _, err := unix.Write(in, []byte{1}); err != nil {
		t.Fatal(err)
	}
	if got, err := w.poll(t.Context(), r, unix.POLLIN, 0); err != nil || got != unix.POLLIN {
		t.Errorf("with something to read: %#x, %v", got, err)
	}
}

func TestPollTellsOfTheOtherEnd(t *testing.T) {
	r, in := pipe(t)
	unix.Close(in)
	if got, err := wakerOf(t).poll(t.Context(), r, unix.POLLIN, 0); err != nil || got&unix.POLLHUP == 0 {
		t.Errorf("with nobody at the other end: %#x, %v", got, err)
	}
}

func TestPatienceIsRoundedUp(t *testing.T) {
	if p := patience(0, time.Now()); p != -1 {
		t.Errorf("without limit: %d ms", p)
	}
	if p := patience(time.Second, time.Now().Add(-time.Hour)); p != 0 {
		t.Errorf("long over: %d ms", p)
	}
	if p := patience(time.Second, time.Now().Add(time.Second)); p < 1 || p > 1001 {
		t.Errorf("a second: %d ms", p)
	}
}

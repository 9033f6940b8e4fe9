package v4l2

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Events are what a device can be waited for.
type Events int16

// What Wait waits for.
const (
	Readable Events = unix.POLLIN  // CaptureQueue.Read will find a buffer
	Writable Events = unix.POLLOUT // OutputQueue.Write will find a buffer
	Eventful Events = unix.POLLPRI // Event will find an event
)

// Wait blocks until one of the wanted things is there, and says which. It returns the cause of ctx when that ends, os.ErrDeadlineExceeded when
// nothing came for the given time (0: no limit), ENODEV when the device is gone, and EIO when it failed or nothing is streaming: the pictures
// that it still has are then of no use. Several goroutines may wait for different things.
func (d *Device) Wait(ctx context.Context, want Events, timeout time.Duration) (Events, error) {
	wake, err := d.wakers.take()
	if err != nil {
		return 0, err
	}
	defer d.wakers.giveBack(wake)
	got, err := wake.poll(ctx, d.fd, int16(want), timeout)
	switch {
	case err != nil:
		return 0, err
	case got&unix.POLLHUP != 0:
		return 0, fmt.Errorf("%s: waiting for pictures: %w", d.path, unix.ENODEV)
	case Events(got)&want != 0:
		return Events(got) & want, nil
	}
	return 0, fmt.Errorf("%s: waiting for pictures: %w", d.path, unix.EIO)
}

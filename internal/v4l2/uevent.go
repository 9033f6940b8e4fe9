package v4l2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// An Action is what happened to a node.
type Action string

// The actions.
const (
	Added   Action = "add"
	Removed Action = "remove"
	Missed  Action = "missed" // the kernel had more to say than was read in time: list anew
)

// A Uevent says that a video node came or went.
type Uevent struct {
	Action Action
	Path   string // "/dev/video0"; empty for Missed
}

// A Monitor hears from the kernel, without udev, which video nodes come and go. In a container it may hear nothing without an error: whoever
// waits for a camera also has to look from time to time.
type Monitor struct {
	fd   int
	wake *waker
	b    [16 << 10]byte
}

// NewMonitor begins to listen. The error is of no importance where netlink is refused, as in some containers: then only looking helps.
func NewMonitor() (*Monitor, error) {
	const kernelGroup = 1
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("listening for devices: %w", err)
	}
	m := &Monitor{fd: fd}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: kernelGroup}); err != nil {
		return nil, errors.Join(fmt.Errorf("listening for devices: %w", err), unix.Close(fd))
	}
	if m.wake, err = newWaker(); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return m, nil
}

// Next blocks until a video node comes or goes, or ctx ends, whose cause it returns. When a node is added its rights may still be those of the
// kernel, until udev has set them: opening it may fail with EACCES for a moment. One goroutine at a time.
func (m *Monitor) Next(ctx context.Context) (Uevent, error) {
	for {
		if _, err := m.wake.poll(ctx, m.fd, unix.POLLIN, 0); err != nil {
			return Uevent{}, err
		}
		n, from, err := unix.Recvfrom(m.fd, m.b[:], 0)
		switch {
		case err == unix.ENOBUFS:
			return Uevent{Action: Missed}, nil
		case err == unix.EAGAIN, err == unix.EINTR:
			continue
		case err != nil:
			return Uevent{}, fmt.Errorf("listening for devices: %w", err)
		}
		if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 { // not the kernel
			continue
		}
		if e, ok := parseUevent(m.b[:n]); ok {
			return e, nil
		}
	}
}

// Close ends it. Not while Next runs.
func (m *Monitor) Close() error { return errors.Join(m.wake.close(), unix.Close(m.fd)) }

// parseUevent reads a message of the kernel (lib/kobject_uevent.c): fields that end with a zero byte, of which the first repeats what the others
// say. It reports false for what is not a video node that comes or goes.
func parseUevent(b []byte) (Uevent, bool) {
	var action, subsystem, name string
	for field := range bytes.SplitSeq(b, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "ACTION":
			action = value
		case "SUBSYSTEM":
			subsystem = value
		case "DEVNAME":
			name = value
		}
	}
	if a := Action(action); subsystem == "video4linux" && isVideo(name) && (a == Added || a == Removed) {
		return Uevent{Action: a, Path: "/dev/" + name}, true
	}
	return Uevent{}, false
}

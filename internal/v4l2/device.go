// Package v4l2 speaks with video devices of Linux: cameras, and encoders that turn pictures of memory into coded ones. It is a thin layer over
// the kernel's own calls (Video4Linux2, linux/videodev2.h) without C, for amd64, arm64 and arm, and has no opinion about what to do with
// a picture.
//
// # Use
//
//	d, err := v4l2.Open("/dev/video0")
//	defer d.Close()
//	f, err := d.SetFormat(v4l2.Capture, v4l2.Format{FourCC: v4l2.YUYV, Width: 640, Height: 480}) // what the driver made of it
//	q, err := d.CaptureQueue(4)
//	err = q.Start()
//	for {
//		_, err = d.Wait(ctx, v4l2.Readable, 5*time.Second)
//		err = q.Read(func(p v4l2.Picture) error { ... }) // the buffer goes back to the driver when the function returns
//	}
//
// # Errors
//
// An error of the kernel says which device and which request, and wraps the errno: errors.Is(err, unix.ENODEV) is a camera that was unplugged,
// EBUSY one that another program has, ENOSPC a USB bus that is full, EACCES missing rights. Nothing here blocks but Wait and Monitor.Next.
//
// # Goroutines
//
// A queue belongs to one goroutine. The two queues of a device may be used by two, and everything else of a Device by any, for the kernel takes
// its own locks. Close comes after all of them, and the closing of a queue after all use of it.
package v4l2

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Info is what a device says of itself.
type Info struct {
	Driver string // "uvcvideo"
	Card   string // the name for people
	Bus    string // "usb-0000:00:14.0-1": where it is plugged in
	Caps   Caps   // of this node
}

// A Device is an open video node. Close frees it.
type Device struct {
	path   string
	fd     int
	info   Info
	wakers wakers
	queues []*queue
}

// Open opens a video node for reading and writing, without waiting. A path that is no video device at all is ENOTTY.
func Open(path string) (*Device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	d := &Device{path: path, fd: fd}
	if d.info, err = d.query(); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return d, nil
}

func (d *Device) query() (Info, error) {
	var c capability
	if err := call(d, queryCap, &c); err != nil {
		return Info{}, err
	}
	caps := Caps(c.Node)
	if Caps(c.All)&capDeviceCaps == 0 { // drivers from before Linux 3.1
		caps = Caps(c.All)
	}
	return Info{Driver: text(c.Driver[:]), Card: text(c.Card[:]), Bus: text(c.Bus[:]), Caps: caps}, nil
}

// Path is what the device was opened by.
func (d *Device) Path() string { return d.path }

// Info is what the device said of itself when it was opened.
func (d *Device) Info() Info { return d.info }

// Close stops and frees the queues and closes the device. A device that is gone is closed all the same. The second time it does nothing.
func (d *Device) Close() error {
	if d.fd < 0 {
		return nil
	}
	var failures []error
	for _, q := range d.queues {
		failures = append(failures, q.close())
	}
	failures = append(failures, d.wakers.close(), unix.Close(d.fd))
	d.fd = -1
	return errors.Join(failures...)
}

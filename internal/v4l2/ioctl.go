package v4l2

import (
	"bytes"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A request is what an ioctl asks. Its number also holds the size of the argument, which comes from the argument's type.
type request struct {
	name      string
	direction uintptr
	number    uintptr
}

const (
	toKernel   = 1
	fromKernel = 2
	bothWays   = toKernel | fromKernel
)

// The requests of linux/videodev2.h that this package makes.
var (
	queryCap           = request{"VIDIOC_QUERYCAP", fromKernel, 0}
	enumFmt            = request{"VIDIOC_ENUM_FMT", bothWays, 2}
	getFmt             = request{"VIDIOC_G_FMT", bothWays, 4}
	setFmt             = request{"VIDIOC_S_FMT", bothWays, 5}
	reqBufs            = request{"VIDIOC_REQBUFS", bothWays, 8}
	queryBuf           = request{"VIDIOC_QUERYBUF", bothWays, 9}
	queueBuf           = request{"VIDIOC_QBUF", bothWays, 15}
	dequeueBuf         = request{"VIDIOC_DQBUF", bothWays, 17}
	streamOn           = request{"VIDIOC_STREAMON", toKernel, 18}
	streamOff          = request{"VIDIOC_STREAMOFF", toKernel, 19}
	getParm            = request{"VIDIOC_G_PARM", bothWays, 21}
	setParm            = request{"VIDIOC_S_PARM", bothWays, 22}
	getControl         = request{"VIDIOC_G_CTRL", bothWays, 27}
	setControl         = request{"VIDIOC_S_CTRL", bothWays, 28}
	queryControl       = request{"VIDIOC_QUERYCTRL", bothWays, 36}
	setExtControls     = request{"VIDIOC_S_EXT_CTRLS", bothWays, 72}
	enumFrameSizes     = request{"VIDIOC_ENUM_FRAMESIZES", bothWays, 74}
	enumFrameIntervals = request{"VIDIOC_ENUM_FRAMEINTERVALS", bothWays, 75}
	encoderCmd         = request{"VIDIOC_ENCODER_CMD", bothWays, 77}
	dequeueEvent       = request{"VIDIOC_DQEVENT", fromKernel, 89}
	subscribeEvent     = request{"VIDIOC_SUBSCRIBE_EVENT", toKernel, 90}
	setSelection       = request{"VIDIOC_S_SELECTION", bothWays, 95}
)

// code is the number that the kernel knows a request by (asm-generic/ioctl.h).
func (r request) code(size uintptr) uintptr {
	return r.direction<<30 | size<<16 | 'V'<<8 | r.number
}

// ioctl makes one request and returns the bare errno: for those that are made for every picture, and answered with EAGAIN most of the time.
func ioctl[T any](fd int, r request, argument *T) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), r.code(unsafe.Sizeof(*argument)), uintptr(unsafe.Pointer(argument)))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

// call makes one request; the error says of which device and which request.
func call[T any](d *Device, r request, argument *T) error {
	if err := ioctl(d.fd, r, argument); err != nil {
		return d.failed(r, err)
	}
	return nil
}

func (d *Device) failed(r request, err error) error {
	return fmt.Errorf("%s: %s: %w", d.path, r.name, err)
}

// text is a string of C.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

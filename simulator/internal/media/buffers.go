package media

import (
	"os"
	"strconv"
	"syscall"
)

// receiveBuffer holds a few key frames of a 1080p camera, which arrive at once. The default, 208 KiB, holds less than one.
const receiveBuffer = 2 << 20

// enlargeReceiveBuffers gives every UDP socket of this process a receive buffer that a media server would have. The SDK opens its
// sockets itself and has no setting for it, so it is done from outside, by way of the process's descriptors.
func enlargeReceiveBuffers() error {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		fd, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// A descriptor may be closed, or be no socket: then this fails, and there is nothing to enlarge.
		if kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE); err == nil && kind == syscall.SOCK_DGRAM {
			_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receiveBuffer)
		}
	}
	return nil
}

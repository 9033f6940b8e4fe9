package v4l2

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// hardware reads what sysfs says of one device: a video node, or what it hangs on.
type hardware struct {
	root   string // of the file system
	folder string // of the device
}

// text is an attribute, empty where it is missing.
func (h hardware) text(name string) string {
	b, _ := os.ReadFile(filepath.Join(h.folder, name))
	return strings.TrimSpace(string(b))
}

func (h hardware) has(name string) bool {
	_, err := os.Lstat(filepath.Join(h.folder, name))
	return err == nil
}

// index is which of the nodes of its hardware a node is.
func (h hardware) index() int {
	n, _ := strconv.Atoi(h.text("index"))
	return n
}

// driver is that of the hardware behind a node.
func (h hardware) driver() string {
	target, err := os.Readlink(filepath.Join(h.folder, "device/driver"))
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

// path is where a node can be opened. In a container it may have another name than the kernel gives it; then its numbers tell.
func (h hardware) path(name string) string {
	path := filepath.Join(h.root, "dev", name)
	if device := h.text("dev"); device != "" && deviceNumber(path) != device {
		found, _ := filepath.Glob(filepath.Join(h.root, "dev/video*"))
		for _, other := range found {
			if deviceNumber(other) == device {
				return other
			}
		}
	}
	return path
}

// deviceNumber is "81:0" for a node, empty for anything else.
func deviceNumber(path string) string {
	var s unix.Stat_t
	if unix.Stat(path, &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFCHR {
		return ""
	}
	return fmt.Sprintf("%d:%d", unix.Major(uint64(s.Rdev)), unix.Minor(uint64(s.Rdev)))
}

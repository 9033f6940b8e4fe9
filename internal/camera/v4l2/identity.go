package v4l2

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// An identity is what tells one camera from others when the numbers of its devices have changed.
type identity struct {
	place   string // where it is plugged in, as a path below /sys/devices
	name    string // of the device, which is that of the camera with most drivers
	index   string // of the device among those of its camera
	product string // USB vendor and product; empty for other cameras
	serial  string // empty where the camera has none, or where another camera has the same
}

func (id identity) String() string { return fmt.Sprintf("%q (%s)", id.name, filepath.Base(id.place)) }

// is tells whether both are the same camera. One that can be told by its serial number may be plugged in elsewhere.
func (id identity) is(other identity) bool {
	if id.name != other.name || id.index != other.index || id.product != other.product {
		return false
	}
	return id.place == other.place || id.serial != "" && id.serial == other.serial
}

// A tree is the folder below which the kernel shows its devices, "/" but for tests.
type tree string

// system is the tree of this machine. In a container /dev may have fewer names than /sys.
const system tree = "/"

func (t tree) dev() string { return filepath.Join(string(t), "dev") }
func (t tree) sys() string { return filepath.Join(string(t), "sys") }

// numbered tells whether a path is one of the names that the kernel gives in the order in which cameras appear.
func (t tree) numbered(path string) bool {
	number, ok := strings.CutPrefix(filepath.Base(path), "video")
	_, err := strconv.Atoi(number)
	return ok && err == nil && filepath.Dir(path) == t.dev()
}

// identify returns who is behind a device or a link to one. It reports false when that cannot be told.
func (t tree) identify(path string) (identity, bool) {
	folder, err := filepath.EvalSymlinks(t.entry(path))
	if err != nil {
		return identity{}, false
	}
	id := read(folder)
	if slices.ContainsFunc(t.folders(), func(other string) bool { return other != folder && twins(id, read(other)) }) {
		id.serial = ""
	}
	return id, true
}

// entry is where the kernel lists a device by its number, "" when path is none.
func (t tree) entry(path string) string {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil || stat.Mode&unix.S_IFMT != unix.S_IFCHR {
		return ""
	}
	return filepath.Join(t.numbers(), fmt.Sprintf("%d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev)))
}

func (t tree) numbers() string { return filepath.Join(t.sys(), "dev", "char") }

// present tells whether there is something to open. A container keeps the nodes of devices that are gone.
func (t tree) present(path string) bool {
	entry := t.entry(path)
	return exists(path) && (entry == "" || exists(entry) || !exists(t.numbers()))
}

// twins tells whether two cameras have the same serial number. Cheap ones all have that of the first that was made.
func twins(a, b identity) bool {
	return a.serial == b.serial && a.product == b.product && a.place != b.place && a.index == b.index
}

// find returns the device that a camera has now, or "".
func (t tree) find(id identity) string {
	for _, folder := range t.folders() {
		if device := filepath.Join(t.dev(), filepath.Base(folder)); id.is(read(folder)) && exists(device) {
			return device
		}
	}
	return ""
}

// folders are those of all video devices below /sys/devices.
func (t tree) folders() (found []string) {
	links, err := filepath.Glob(filepath.Join(t.sys(), "class", "video4linux", "video*"))
	if err != nil {
		return nil
	}
	for _, link := range links {
		if folder, err := filepath.EvalSymlinks(link); err == nil {
			found = append(found, folder)
		}
	}
	return found
}

// read returns who has a folder such as /sys/devices/…/usb1/1-2/1-2:1.0/video4linux/video0. The camera's interface is two floors up, and
// what USB knows of the camera one more.
func read(folder string) identity {
	place := filepath.Dir(filepath.Dir(folder))
	id := identity{place: place, name: text(folder, "name"), index: text(folder, "index")}
	if vendor := text(place, "..", "idVendor"); vendor != "" {
		id.product, id.serial = vendor+":"+text(place, "..", "idProduct"), text(place, "..", "serial")
	}
	return id
}

// text is what a file of sysfs says, "" when there is none.
func text(path ...string) string {
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

package v4l2

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A rack is a tree of devices into which cameras are plugged. Behind each node is a device that every machine has.
type rack struct {
	t    *testing.T
	tree tree
}

func newRack(t *testing.T) rack {
	r := rack{t, tree(t.TempDir())}
	r.make("dev")
	r.make("sys/dev/char")
	r.make("sys/class/video4linux")
	return r
}

func (r rack) path(parts ...string) string {
	return filepath.Join(append([]string{string(r.tree)}, parts...)...)
}

func (r rack) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r rack) make(folder string) { r.must(os.MkdirAll(r.path(folder), 0o700)) }

func (r rack) write(file, text string) { r.must(os.WriteFile(r.path(file), []byte(text+"\n"), 0o600)) }

// behind are devices of the kernel with their numbers: the real ones behind /dev/video0 and so on.
var behind = map[string]struct{ device, number string }{
	"video0": {"/dev/null", "1:3"}, "video1": {"/dev/zero", "1:5"}, "video2": {"/dev/full", "1:7"}, "video3": {"/dev/random", "1:8"},
}

// plug puts a camera into a port.
func (r rack) plug(node, port, name, serial string) {
	usb := "sys/devices/pci0/usb1/" + port
	folder := usb + "/" + port + ":1.0/video4linux/" + node
	r.make(folder)
	r.write(folder+"/name", name)
	r.write(folder+"/index", "0")
	r.write(usb+"/idVendor", "046d")
	r.write(usb+"/idProduct", "0825")
	if serial != "" {
		r.write(usb+"/serial", serial)
	}
	r.must(os.Symlink(r.path(folder), r.path("sys/class/video4linux", node)))
	r.must(os.Symlink(r.path(folder), r.path("sys/dev/char", behind[node].number)))
	r.must(os.Symlink(behind[node].device, r.path("dev", node)))
}

// pull takes a camera out.
func (r rack) pull(node, port string) {
	r.must(os.Remove(r.path("dev", node)))
	r.must(os.Remove(r.path("sys/dev/char", behind[node].number)))
	r.must(os.Remove(r.path("sys/class/video4linux", node)))
	r.must(os.RemoveAll(r.path("sys/devices/pci0/usb1", port)))
}

func (r rack) place(node string) *place {
	return &place{device: r.path("dev", node), tree: r.tree}
}

func (r rack) wantAt(p *place, node string) {
	r.t.Helper()
	if path, err := p.locate(); err != nil || path != r.path("dev", node) {
		r.t.Errorf("located %q, %v; want %s", path, err, node)
	}
}

func (r rack) wantNowhere(p *place, says string) {
	r.t.Helper()
	path, err := p.locate()
	if err == nil || !strings.Contains(err.Error(), says) {
		r.t.Errorf("located %q, %v; want %q", path, err, says)
	}
}

func TestACameraIsFoundUnderAnotherNumber(t *testing.T) {
	r := newRack(t)
	p := r.place("video0")
	r.wantNowhere(p, "is not there")
	r.plug("video0", "1-1", "UVC Camera", "")
	r.plug("video1", "1-2", "UVC Camera", "")
	r.wantAt(p, "video0")
	p.remember(r.path("dev/video0"))

	r.pull("video0", "1-1")
	r.wantNowhere(p, "is not there") // and the other one, of the same kind, is not taken
	r.plug("video2", "1-1", "UVC Camera", "")
	r.wantAt(p, "video2")
	r.pull("video2", "1-1")
	r.plug("video0", "1-1", "UVC Camera", "")
	r.wantAt(p, "video0")
}

func TestASerialNumberIsFollowedToAnotherPort(t *testing.T) {
	r := newRack(t)
	r.plug("video0", "1-1", "C920", "A1")
	p := r.place("video0")
	p.remember(r.path("dev/video0"))
	r.pull("video0", "1-1")
	r.plug("video1", "1-4", "C920", "B2")
	r.wantNowhere(p, "is not there")
	r.plug("video2", "1-3", "C920", "A1")
	r.wantAt(p, "video2")
}

// Cheap cameras all have the serial number of the first that was made.
func TestASerialNumberOfTwoIsNoIdentity(t *testing.T) {
	r := newRack(t)
	r.plug("video0", "1-1", "C920", "200901010001")
	r.plug("video1", "1-2", "C920", "200901010001")
	p := r.place("video0")
	p.remember(r.path("dev/video0"))
	r.pull("video0", "1-1")
	r.wantNowhere(p, "is not there")
	r.plug("video3", "1-1", "C920", "200901010001")
	r.wantAt(p, "video3")
}

func TestAStrangerIsTakenForAReplacementInTheEnd(t *testing.T) {
	r := newRack(t)
	r.plug("video0", "1-1", "C920", "A1")
	p := r.place("video0")
	p.remember(r.path("dev/video0"))
	r.pull("video0", "1-1")
	r.plug("video0", "1-1", "C270", "B2")
	synctest.Test(t, func(t *testing.T) {
		since := time.Now()
		r.wantNowhere(p, `is "C270" (1-1:1.0) now, and "C920" (1-1:1.0) is not there`)
		p.await(t.Context())
		if took := time.Since(since); took < mourning || took > mourning+time.Second {
			t.Errorf("taken after %v", took)
		}
	})
	r.wantAt(p, "video0")
}

func TestWhatIsNoNumberIsNotFollowed(t *testing.T) {
	r := newRack(t)
	r.plug("video0", "1-1", "C920", "A1")
	r.make("dev/v4l/by-id")
	link := "v4l/by-id/usb-C920-video-index0"
	r.must(os.Symlink("../../video0", r.path("dev", link)))
	p := r.place(link)
	r.wantAt(p, link)
	p.remember(r.path("dev", link))
	r.pull("video0", "1-1")
	r.plug("video1", "1-1", "C920", "A1")
	r.wantNowhere(p, "is not there") // the link is what counts
	r.must(os.Remove(r.path("dev", link)))
	r.must(os.Symlink("../../video1", r.path("dev", link)))
	r.wantAt(p, link)
}

// In a container the nodes of cameras stay when the cameras go.
func TestANodeWithNothingBehindIt(t *testing.T) {
	r := newRack(t)
	r.plug("video0", "1-1", "C920", "A1")
	p := r.place("video0")
	r.must(os.Remove(r.path("sys/dev/char", behind["video0"].number)))
	r.wantNowhere(p, "is not there")
	r.must(os.RemoveAll(r.path("sys")))
	r.wantAt(p, "video0") // without sysfs the node is all that is known
}

func TestAMissingDeviceIsAMissingFile(t *testing.T) {
	_, err := newRack(t).place("video0").locate()
	if err == nil || !strings.Contains(err.Error(), fs.ErrNotExist.Error()) {
		t.Errorf("the error is %v", err)
	}
}

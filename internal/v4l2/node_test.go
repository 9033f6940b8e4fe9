package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A machine is a made-up /sys and /dev.
type machine struct {
	t    *testing.T
	root string
}

func newMachine(t *testing.T) machine {
	m := machine{t, t.TempDir()}
	m.folder("sys/class/video4linux")
	m.folder("dev")
	return m
}

func (m machine) folder(path string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Join(m.root, path), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) file(path, text string) {
	m.t.Helper()
	m.folder(filepath.Dir(path))
	if err := os.WriteFile(filepath.Join(m.root, path), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// link makes a link to a path below the root, relative as in sysfs.
func (m machine) link(path, target string) {
	m.t.Helper()
	m.folder(filepath.Dir(path))
	relative, err := filepath.Rel(filepath.Join("/", filepath.Dir(path)), filepath.Join("/", target))
	if err != nil {
		m.t.Fatal(err)
	}
	if err := os.Symlink(relative, filepath.Join(m.root, path)); err != nil {
		m.t.Fatal(err)
	}
}

// node adds a video node of the hardware in a folder of /sys/devices.
func (m machine) node(name, hardware, card, driver, index string) {
	folder := filepath.Join("sys/devices", hardware, "video4linux", name)
	m.file(filepath.Join(folder, "name"), card+"\n")
	m.file(filepath.Join(folder, "index"), index+"\n")
	m.link(filepath.Join(folder, "device"), filepath.Join("sys/devices", hardware))
	m.link(filepath.Join("sys/class/video4linux", name), folder)
	m.file(filepath.Join("dev", name), "")
	if link := filepath.Join("sys/devices", hardware, "driver"); !m.has(link) {
		m.link(link, filepath.Join("sys/bus/x/drivers", driver))
		m.folder(filepath.Join("sys/bus/x/drivers", driver))
	}
}

func (m machine) has(path string) bool {
	_, err := os.Lstat(filepath.Join(m.root, path))
	return err == nil
}

// on says of devices in a row on which kind of bus they are.
func (m machine) on(bus string, devices ...string) {
	for _, d := range devices {
		m.link(filepath.Join("sys/devices", d, "subsystem"), filepath.Join("sys/bus", bus))
	}
}

func (m machine) names(paths ...string) (all []string) {
	for _, p := range paths {
		all = append(all, filepath.Join(m.root, p))
	}
	return all
}

const (
	pcie   = "platform/scb/fd500000.pcie"
	bridge = pcie + "/pci0000:00/0000:00:00.0"
	xhci   = bridge + "/0000:01:00.0"
	hub    = xhci + "/usb1/1-1"
	webcam = hub + "/1-1.3"
)

// pi is a Raspberry Pi 4 with a webcam of two nodes behind a hub, one with pictures and one with metadata, and a camera on a ribbon cable.
func pi(t *testing.T) machine {
	m := newMachine(t)
	m.node("video0", "platform/soc/fe801000.csi", "unicam-image", "unicam", "0")
	m.node("video2", webcam+"/1-1.3:1.0", "HD Pro Webcam C920", "uvcvideo", "1")
	m.node("video1", webcam+"/1-1.3:1.0", "HD Pro Webcam C920", "uvcvideo", "0")
	m.node("video11", "platform/soc/fe00b840.mailbox/bcm2835-codec", "bcm2835-codec-encode", "bcm2835-codec", "0")
	m.node("v4l-subdev0", "platform/soc/fe801000.csi/imx219", "imx219 10-0010", "imx219", "0")
	m.on("platform", "platform/scb", pcie, "platform/soc", "platform/soc/fe801000.csi", "platform/soc/fe00b840.mailbox/bcm2835-codec")
	m.on("pci", bridge, xhci)
	m.on("usb", xhci+"/usb1", hub, webcam, webcam+"/1-1.3:1.0")
	m.file("sys/devices/"+webcam+"/idVendor", "046d\n")
	m.file("sys/devices/"+webcam+"/idProduct", "082d\n")
	m.file("sys/devices/"+webcam+"/product", "HD Pro Webcam C920\n")
	m.file("sys/devices/"+webcam+"/serial", "A1B2C3DF\n")
	m.file("sys/devices/"+hub+"/idVendor", "2109\n")
	return m
}

func TestScanWithoutUdev(t *testing.T) {
	m := pi(t)
	nodes, err := scan(m.root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Node{
		{
			Path: m.names("dev/video0")[0], Info: Info{Card: "unicam-image", Driver: "unicam"},
			Links: m.names("dev/v4l/by-path/platform-fe801000.csi-video-index0"),
		},
		{
			Path: m.names("dev/video1")[0], Info: Info{Card: "HD Pro Webcam C920", Driver: "uvcvideo"},
			Links: m.names("dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_A1B2C3DF-video-index0",
				"dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-video-index0"),
		},
		{
			Path: m.names("dev/video2")[0], Index: 1, Info: Info{Card: "HD Pro Webcam C920", Driver: "uvcvideo"},
			Links: m.names("dev/v4l/by-id/usb-046d_HD_Pro_Webcam_C920_A1B2C3DF-video-index1",
				"dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-video-index1"),
		},
		{
			Path: m.names("dev/video11")[0], Info: Info{Card: "bcm2835-codec-encode", Driver: "bcm2835-codec"},
			Links: m.names("dev/v4l/by-path/platform-bcm2835-codec-video-index0"),
		},
	}
	if !reflect.DeepEqual(nodes, want) {
		t.Errorf("found\n%+v\nwant\n%+v", nodes, want)
	}
}

func TestLinksThatAreThereCount(t *testing.T) {
	m := pi(t)
	m.link("dev/v4l/by-id/usb-046d_Webcam-video-index0", "dev/video1")
	nodes, err := scan(m.root)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := nodes[1].Links, m.names("dev/v4l/by-id/usb-046d_Webcam-video-index0"); !reflect.DeepEqual(got, want) {
		t.Errorf("links of %s: %v, want %v", nodes[1].Path, got, want)
	}
}

// Two nodes of one place: a name that leads to one of them is not that of the other.
func TestNamesAreNotGivenTwice(t *testing.T) {
	m := newMachine(t)
	m.on("platform", "platform/vivid.0")
	for _, name := range []string{"video0", "video1", "video2"} {
		m.node(name, "platform/vivid.0", "vivid", "vivid", "0")
	}
	shared := "dev/v4l/by-path/platform-vivid.0-video-index0"
	for _, udev := range []bool{false, true} {
		want := [][]string{m.names(shared), nil, nil}
		if udev {
			m.link(shared, "dev/video2")
			want = [][]string{nil, nil, m.names(shared)}
		}
		nodes, err := scan(m.root)
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes {
			if !slices.Equal(n.Links, want[i]) {
				t.Errorf("udev %v: %s is called %v, want %v", udev, n.Path, n.Links, want[i])
			}
		}
	}
}

func TestResolve(t *testing.T) {
	m := pi(t)
	m.link("dev/v4l/by-id/usb-old-video-index0", "dev/video1")
	for path, want := range map[string]string{
		"dev/video1":                         "dev/video1",
		"dev/v4l/by-id/usb-old-video-index0": "dev/v4l/by-id/usb-old-video-index0",
		"dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-video-index1": "dev/video2",
		"dev/v4l/by-path/platform-fe801000.csi-video-index0":                                 "dev/video0",
	} {
		if got, err := resolveBelow(m.root, filepath.Join(m.root, path)); err != nil || got != filepath.Join(m.root, want) {
			t.Errorf("%s is %s, %v; want %s", path, got, err, want)
		}
	}
	for _, path := range []string{"dev/video7", "dev/v4l/by-id/usb-nothing-video-index0"} {
		if got, err := resolveBelow(m.root, filepath.Join(m.root, path)); !errors.Is(err, unix.ENOENT) {
			t.Errorf("%s is %s, %v", path, got, err)
		}
	}
}

// What cannot be opened is listed all the same, with what the kernel says of it and why.
func TestListNamesWhatItCannotOpen(t *testing.T) {
	nodes, err := listBelow(pi(t).root)
	if err != nil || len(nodes) != 4 {
		t.Fatalf("%d nodes, %v", len(nodes), err)
	}
	for _, n := range nodes {
		if n.Camera() || n.Why != Unreachable || !errors.Is(n.Err, unix.ENOTTY) || n.Info.Card == "" || n.Why.Advice() == "" {
			t.Errorf("%+v", n)
		}
	}
}

func TestNoVideoAtAllIsNoError(t *testing.T) {
	if nodes, err := listBelow(t.TempDir()); err != nil || len(nodes) != 0 {
		t.Errorf("%v, %v", nodes, err)
	}
}

func TestJudge(t *testing.T) {
	yuyv := []FormatDescription{{FourCC: YUYV, Description: "YUYV 4:2:2"}}
	bayer := []FormatDescription{{Description: "10-bit Bayer RGRG/GBGB"}, {Description: "8-bit Bayer RGRG/GBGB"}}
	for _, c := range []struct {
		name    string
		info    Info
		formats []FormatDescription
		want    Reason
	}{
		{"a webcam", Info{Driver: "uvcvideo", Caps: capCapture | capStreaming}, yuyv, ""},
		{"its metadata", Info{Driver: "uvcvideo", Caps: capMetaCapture | capStreaming}, nil, Metadata},
		{"with planes", Info{Driver: "vivid", Caps: capCaptureMultiplanar}, yuyv, ""},
		{"a loopback", Info{Driver: "v4l2 loopback", Caps: capCapture | capOutput}, yuyv, ""},
		{"a loopback without a writer", Info{Driver: "v4l2 loopback", Caps: capOutput}, nil, Display},
		{"an encoder", Info{Driver: "vicodec", Caps: capM2M}, yuyv, Converter},
		{"an encoder that says too much", Info{Driver: "x", Caps: capM2MMultiplanar | capCaptureMultiplanar | capOutputMultiplanar}, yuyv, Converter},
		{"a Pi's sensor", Info{Driver: "unicam", Caps: capCapture}, yuyv, RawSensor},
		{"a Pi 5's sensor", Info{Driver: "rp1-cfe", Caps: capCapture | capMetaCapture}, bayer, RawSensor},
		{"a Pi's image processor", Info{Driver: "bcm2835-isp", Caps: capCapture}, yuyv, Converter},
		{"another board's sensor", Info{Driver: "tegra-video", Caps: capCapture}, bayer, RawSensor},
		{"a sensor that finishes its pictures", Info{Driver: "tegra-video", Caps: capCapture}, append(yuyv, bayer...), ""},
		{"part of a chain", Info{Driver: "rkisp1", Caps: capCaptureMultiplanar | capController}, yuyv, RawSensor},
		{"teletext", Info{Driver: "vivid", Caps: capVBI}, nil, NoPictures},
		{"a touch pad", Info{Driver: "x", Caps: capTouch}, nil, NoPictures},
		{"nothing to offer", Info{Driver: "x", Caps: capCapture}, nil, Idle},
	} {
		if got := Judge(c.info, c.formats); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if !strings.Contains(RawSensor.Advice(), "rpicam-vid") {
		t.Error("whoever has a camera on a ribbon cable is not told what to use")
	}
}

// By the rules of udev: what others wrote becomes one name.
func TestFileName(t *testing.T) {
	for text, want := range map[string]string{
		"HD Pro Webcam C920": "HD_Pro_Webcam_C920",
		"  Sonix  Ltd. ":     "Sonix_Ltd.",
		"a/b\\c'd":           "a_b_c_d",
		"A4:5+6-7@8=9#":      "A4:5+6-7@8=9#",
		"Kamera für außen":   "Kamera_für_außen",
		"":                   "",
	} {
		if got := fileName(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for serial, want := range map[string]bool{"A1B2": true, "": false, "a,b": false, "a\x01": false, "ä": false} {
		if got := printable(serial); got != want {
			t.Errorf("serial %q: %v", serial, got)
		}
	}
}

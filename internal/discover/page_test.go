package discover_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/discover"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// load reads what was printed as a configuration, in which every variable has the value that says so.
func load(t testing.TB, printed string) (*config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	text := "overshoot:\n  keys:\n    - {name: main, key: k-12345678}\ncameras:\n" + printed
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(file, config.Options{Hostname: "test", LookupEnv: func(name string) (string, bool) {
		return "value-of-" + name, strings.HasSuffix(name, "_PASSWORD")
	}})
	return c, err
}

// mustLoad also has the settings of the sources decoded, as `overshoot-agent check` does.
func mustLoad(t *testing.T, printed string) (cameras map[string]any) {
	t.Helper()
	c, err := load(t, printed)
	if err != nil {
		t.Fatalf("%v in\n%s", err, printed)
	}
	cameras = map[string]any{}
	for _, cam := range c.Cameras {
		var settings any
		switch cam.Source.Type {
		case "rtsp":
			settings, err = rtsp.Decode(cam.Source)
		case "v4l2":
			settings, err = v4l2.Decode(cam.Source)
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, printed)
		}
		cameras[cam.Name] = settings
	}
	return cameras
}

func streams(urls ...string) (all []discover.Stream) {
	for _, u := range urls {
		all = append(all, discover.Stream{Codec: "H.264", Width: 1280, Height: 720, Rate: 15, URL: u, Profile: "Main"})
	}
	return all
}

func TestPage(t *testing.T) {
	device := discover.Device{Senders: []netip.Addr{here}, Name: "Front Door", Location: "Hall"}
	page := discover.Page{
		Webcams: []discover.Webcam{{
			Card: "HD Pro Webcam C920: HD Pro", Driver: "uvcvideo", Path: "/dev/video0", Device: "/dev/v4l/by-id/usb-046d_C920-video-index0",
			Formats: []string{"mjpeg 1920x1080@30", "yuyv 640x480@30"},
		}},
		Cameras: []discover.Camera{
			{Device: device, At: here, Manufacturer: "ACME", Model: "ACME Dome", Firmware: "1.2", Serial: "77", Videos: []discover.Video{{
				append(streams("rtsp://10.0.0.1/main"), discover.Stream{Codec: "H.265", URL: "rtsp://10.0.0.1/sub", Said: "camera.local"}),
			}}},
			{Device: discover.Device{Senders: []netip.Addr{elsewhere}}, At: elsewhere, Model: "NVR 2", Trouble: discover.ErrLoginWanted},
		},
		Login: discover.Login{Username: "admin", Password: secret.New("canary")}, Password: discover.PasswordPlace{Variable: "CAMERA_PASSWORD"},
	}
	const want = `  - name: hd-pro-webcam-c920
    # HD Pro Webcam C920: HD Pro, driver uvcvideo, now /dev/video0
    # mjpeg 1920x1080@30
    # yuyv 640x480@30
    source:
      type: v4l2
      device: /dev/v4l/by-id/usb-046d_C920-video-index0
  - name: hall
    # ACME Dome, firmware 1.2, serial number 77, called Front Door, location Hall, at 127.0.0.21
    # H.264 1280x720, up to 15 pictures a second; profile Main
    source: rtsp://10.0.0.1/main
    username: admin
    password: ${CAMERA_PASSWORD}
    # or rtsp://10.0.0.1/sub: H.265; the agent encodes it anew; the camera calls its host camera.local
  # NVR 2, at 127.0.0.22
  #   not usable yet: the camera wants user name and password
  #   run discover again with --username NAME; the password is asked for, or comes from --password-file
`
	got := page.YAML()
	if got != want {
		t.Errorf("it prints\n%s\nwant\n%s", got, want)
	}
	cameras := mustLoad(t, got)
	hall := cameras["hall"].(rtsp.Config)
	if hall.URL != "rtsp://10.0.0.1/main" || hall.Username != "admin" || hall.Password.Reveal() != "value-of-CAMERA_PASSWORD" {
		t.Errorf("read back it is %+v", hall)
	}
	if webcam := cameras["hd-pro-webcam-c920"].(v4l2.Config); webcam.Device != page.Webcams[0].Device {
		t.Errorf("read back it is %+v", webcam)
	}
}

// A password in a file is read from there, wherever the configuration is.
func TestPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pass: word #1 ${X}")
	if err := os.WriteFile(file, []byte("canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	page := discover.Page{
		Cameras: []discover.Camera{{At: here, Videos: []discover.Video{{streams("rtsp://10.0.0.1/main")}}}},
		Login:   discover.Login{Username: "1234", Password: secret.New("canary")}, Password: discover.PasswordPlace{File: file, Variable: "UNUSED"},
	}
	c := mustLoad(t, page.YAML())["camera"]
	if c == nil || c.(rtsp.Config).Password.Reveal() != "canary" || c.(rtsp.Config).Username != "1234" {
		t.Errorf("read back it is %+v", c)
	}
}

// What strangers write stays a comment or an address: no setting, no variable of ours, no password, no escape sequence.
func TestStrangersText(t *testing.T) {
	evil := "x\n  - name: evil\n    source: rtsp://evil/\r\x1b[2J\u202e\u2028 ${SECRET_PASSWORD} canary-77"
	device := discover.Device{Senders: []netip.Addr{here}, Name: evil, Location: evil, Hardware: evil}
	page := discover.Page{
		Login:    discover.Login{Username: "a: ${SECRET_PASSWORD}\n#", Password: secret.New("canary-77")},
		Password: discover.PasswordPlace{Variable: "CAMERA_PASSWORD"},
	}
	for _, u := range []string{
		"rtsp://10.0.0.1/${SECRET_PASSWORD}", "rtsp://10.0.0.1/$${SECRET_PASSWORD}", "rtsp://10.0.0.1/{[&*!|>'%25@`", "rtsp://10.0.0.1/a:b?- c: #x@evil/",
	} {
		u, _, err := discover.StreamURL(here, strings.ReplaceAll(u, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", u, err)
		}
		page.Cameras = append(page.Cameras, discover.Camera{
			Device: device, At: here, Manufacturer: evil, Model: evil, Firmware: evil, Serial: evil,
			Videos: []discover.Video{{[]discover.Stream{{URL: u, Codec: evil, Profile: evil, Said: evil}, {URL: u}}}},
		})
	}
	page.Cameras = append(page.Cameras, discover.Camera{Device: device, At: here, Trouble: errors.New(evil)})
	page.Webcams = []discover.Webcam{{Card: evil, Driver: evil, Path: evil, Device: "/dev/v4l/by-id/a: #\n${SECRET_PASSWORD}\u202e"}}
	printed := page.YAML()
	if strings.ContainsAny(printed, "\r\x1b\u202e\u2028") || strings.Contains(printed, "canary") {
		t.Errorf("it prints %q", printed)
	}
	cameras := mustLoad(t, printed)
	if len(cameras) != 5 || cameras["evil"] != nil {
		t.Errorf("read back it is %+v", cameras)
	}
	for name, c := range cameras {
		r, ok := c.(rtsp.Config)
		if ok && (!strings.HasPrefix(r.URL, "rtsp://127.0.0.21/") || strings.Contains(r.URL+r.Username, "value-of")) {
			t.Errorf("%s leads astray: %s, %s", name, r.URL, r.Username)
		}
	}
}

// Cameras write passwords into the addresses of their streams.
func TestPasswordsInAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"rtsp://10.0.0.1/user=admin&password=tlJwp&channel=1":           "rtsp://10.0.0.1/user=admin&password=value-of-HALL_STREAM_PASSWORD&channel=1",
		"rtsp://10.0.0.1/user=admin_password=tl_Jwp_channel=1_stream=0": "rtsp://10.0.0.1/user=admin_password=value-of-HALL_STREAM_PASSWORD_channel=1_stream=0",
		"rtsp://10.0.0.1/user=admin&password=&channel=1":                "rtsp://10.0.0.1/user=admin&password=&channel=1",
		"rtsp://10.0.0.1/s?t=p%26w%3Dcanary":                            "rtsp://10.0.0.1/s?t=value-of-HALL_STREAM_PASSWORD",
		"rtsp://10.0.0.1/p&w=canary/s":                                  "rtsp://10.0.0.1/value-of-HALL_STREAM_PASSWORD/s",
	} {
		page := discover.Page{
			Cameras: []discover.Camera{{Device: discover.Device{Location: "Hall"}, At: here, Videos: []discover.Video{{streams(address, address)}}}},
			Login:   discover.Login{Username: "u", Password: secret.New("p&w=canary")}, Password: discover.PasswordPlace{Variable: "CAMERA_PASSWORD"},
		}
		printed := page.YAML()
		if strings.Contains(printed, "canary") || strings.Contains(printed, "Jwp") {
			t.Errorf("it prints %s", printed)
		}
		if got := mustLoad(t, printed)["hall"].(rtsp.Config).URL; got != want {
			t.Errorf("%s became %s, want %s", address, got, want)
		}
		if hidden := address != want; hidden != strings.Contains(printed, "set HALL_STREAM_PASSWORD") {
			t.Errorf("it prints %s", printed)
		}
	}
}

func TestNames(t *testing.T) {
	camera := func(name, location, maker, model, hardware string) discover.Camera {
		return discover.Camera{
			Device: discover.Device{Name: name, Location: location, Hardware: hardware}, At: here, Manufacturer: maker, Model: model,
			Videos: []discover.Video{{streams("rtsp://10.0.0.1/")}},
		}
	}
	page := discover.Page{Cameras: []discover.Camera{
		camera("AXIS P1365", "", "AXIS", "P1365", "P1365"), camera("Dahua", "", "Dahua Technology", "IPC-HDW1", "IPC"),
		camera("Yard", "", "Dahua", "IPC", ""), camera("Yard", "", "Dahua", "IPC", ""), camera("", "agent", "", "", ""), camera("", "", "", "", ""),
		camera("门口", "", "", "", "HW 1"), camera("", strings.Repeat("long name ", 20), "", "", ""), camera("007", "", "", "", ""), camera("", "", "", "", ""),
	}}
	printed := page.YAML()
	for _, want := range []string{
		"axis-p1365", "dahua-ipc-hdw1", "yard", "yard-2", "agent-2", "camera", "hw-1", "long-name-long-name-long-name-long-name", "007", "camera-2",
	} {
		if mustLoad(t, printed)[want] == nil {
			t.Errorf("no camera is called %s:\n%s", want, printed)
		}
	}
}

// FuzzPage looks for texts of strangers that change the meaning of what is printed.
func FuzzPage(f *testing.F) {
	f.Add("Hall", "rtsp://10.0.0.1:554/main", "ACME")
	f.Add("a\n  - b", "rtsp://h/${A_PASSWORD}$${B}", "- : #")
	f.Add("#", "rtsp://h/password=$", "${")
	f.Add("0", "rtsp://1R.0.p://55#/", "")
	f.Fuzz(func(t *testing.T, name, path, model string) {
		url, _, err := discover.StreamURL(here, path)
		if err != nil {
			return
		}
		page := discover.Page{
			Cameras: []discover.Camera{{Device: discover.Device{Name: name}, At: here, Model: model, Videos: []discover.Video{{streams(url)}}}},
			Login:   discover.Login{Username: "u", Password: secret.New("canary-77")}, Password: discover.PasswordPlace{Variable: "CAMERA_PASSWORD"},
		}
		printed := page.YAML()
		c, err := load(t, printed)
		if err != nil || len(c.Cameras) != 1 {
			t.Fatalf("%v, %+v:\n%s", err, c, printed)
		}
		got, err := rtsp.Decode(c.Cameras[0].Source)
		if err != nil {
			t.Fatalf("%v:\n%s", err, printed)
		}
		if u, err := base.ParseURL(got.URL); err != nil || u.Hostname() != here.String() {
			t.Fatalf("%s leads to another host: %s, %v", path, got.URL, err)
		}
		if strings.Contains(printed, "canary-77") || strings.Contains(got.URL, "value-of") && !strings.Contains(printed, "_STREAM_PASSWORD to it") {
			t.Fatalf("%s became %s:\n%s", url, got.URL, printed)
		}
	})
}

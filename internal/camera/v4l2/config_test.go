package v4l2_test

import (
	"fmt"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
)

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"device: /dev/video0": "/dev/video0 1280x720 15 auto map[]",
		"device: ' /dev/v4l/by-id/usb-046d_HD_Pro-video-index0 '":                     "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0 1280x720 15 auto map[]",
		"device: /dev/video2\nwidth: 640\nheight: 480\nfps: 7.5":                      "/dev/video2 640x480 7.5 auto map[]",
		"device: /dev/video2\nformat: mjpeg":                                          "/dev/video2 1280x720 15 mjpeg map[]",
		"device: /dev/video2\ncontrols: {power_line_frequency: 1}":                    "/dev/video2 1280x720 15 auto map[power_line_frequency:1]",
		"device: /dev/cameras/door\nformat: h264\nfps: 30\nwidth: 1920\nheight: 1080": "/dev/cameras/door 1920x1080 30 h264 map[]",
	} {
		c, err := v4l2.Decode(section(t, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%s %dx%d %v %s %v", v4l2.New(c), c.Width, c.Height, c.FPS, c.Format, c.Controls); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestWrongSettingsAreExplained(t *testing.T) {
	const device = "device: /dev/video0\n"
	for text, want := range map[string]string{
		"fps: 15":                              "c.yaml:1:1: device: is missing; write the camera's link below /dev/v4l/by-id, `overshoot-agent discover` lists them",
		"device: ''":                           "c.yaml:2:9: device: is missing; write the camera's link below /dev/v4l/by-id, `overshoot-agent discover` lists them",
		"device: 0":                            `c.yaml:2:9: device: found "0", which is no path of a device; write /dev/v4l/by-id/… or /dev/videoN`,
		"device: usb-046d_HD_Pro-video-index0": `c.yaml:2:9: device: found "usb-046d_HD_Pro-video-index0", which is no path of a device; write /dev/v4l/by-id/… or /dev/videoN`,
		device + "width: 640":                  "c.yaml:3:8: width: stands alone; write height as well, or neither for 1280x720",
		device + "height: 480":                 "c.yaml:3:9: height: stands alone; write width as well, or neither for 1280x720",
		device + "width: 0\nheight: 480":       "c.yaml:3:8: width: found 0; write pixels, 1 to 16384",
		device + "width: 640\nheight: 99999":   "c.yaml:4:9: height: found 99999; write pixels, 1 to 16384",
		device + "fps: 0":                      "c.yaml:3:6: fps: found 0; write pictures a second, more than 0 and at most 240",
		device + "fps: 1000":                   "c.yaml:3:6: fps: found 1000; write pictures a second, more than 0 and at most 240",
		device + "format: rgb":                 `c.yaml:3:9: format: found "rgb"; write auto, h264, mjpeg, yuyv, nv12 or i420`,
	} {
		_, err := v4l2.Decode(section(t, text))
		if err == nil {
			t.Errorf("%q: no error", text)
		} else if got := err.Error(); got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

package app_test

import (
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/app"
)

func TestSourceAt(t *testing.T) {
	for _, c := range []struct{ address, shown, password, trouble string }{
		{address: "rtsp://10.0.0.21/live", shown: "rtsp://10.0.0.21:554/live"},
		{address: "rtsp://admin:p%40ss%2Fw%C3%B6rd@10.0.0.21:8554/live?token=7", shown: "rtsp://10.0.0.21:8554/live", password: "p@ss/wörd"},
		{address: "rtsp://admin:p'\"\\: {}#%@10.0.0.21/live", shown: "rtsp://10.0.0.21:554/live", password: "p'\"\\: {}#%"},
		{address: "rtsps://cam.example/a@b", shown: "rtsps://cam.example:322/a@b"},
		{address: "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0", shown: "/dev/v4l/by-id/usb-046d_HD_Pro-video-index0"},
		{address: "/dev/can\xffary", trouble: "UTF-8"},
		{address: "rtsp://admin:can@ry/canary@10.0.0.21/live", trouble: "%40"},
		{address: "rtsp://admin:canary\xff@10.0.0.21/live", trouble: "UTF-8"},
		{address: "http://admin:canary@10.0.0.21/live", trouble: "rtsp://"},
		{address: "rtsp://admin:canary@/live", trouble: "rtsp://host/path"},
	} {
		source, password, err := app.SourceAt(c.address)
		if c.trouble != "" {
			if err == nil || !strings.Contains(err.Error(), c.trouble) || strings.Contains(err.Error(), "canary") {
				t.Errorf("%q: got %v, want something about %s", c.address, err, c.trouble)
			}
			continue
		}
		if err != nil || source.String() != c.shown || password.Reveal() != c.password {
			t.Errorf("%q: got %v, password %q, %v", c.address, source, password.Reveal(), err)
		}
	}
}

//go:build vm

package discover_test

import (
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
	"github.com/overshoot-ai/overshoot-agent/internal/discover"
)

// The camera of the VM, a vivid, is found with what it can send, and what is printed of it is a source.
func TestWebcams(t *testing.T) {
	webcams, troubles, err := discover.Webcams()
	if err != nil || len(webcams) == 0 || webcams[0].Driver != "vivid" {
		t.Fatalf("%+v, %q, %v", webcams, troubles, err)
	}
	page := discover.Page{Webcams: webcams}
	printed := page.YAML()
	if !strings.Contains(printed, "# yuyv ") || !strings.Contains(printed, "1280x720@") {
		t.Errorf("it prints\n%s", printed)
	}
	cameras := mustLoad(t, printed)
	devices := map[string]bool{}
	for name, c := range cameras {
		device := c.(v4l2.Config).Device
		if !strings.HasPrefix(device, "/dev/") || devices[device] {
			t.Errorf("%s is the device %s of %v", name, device, devices)
		}
		devices[device] = true
	}
	if len(cameras) != len(webcams) {
		t.Errorf("of %d cameras, %d were printed", len(webcams), len(cameras))
	}
}

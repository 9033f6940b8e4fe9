package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Where each camera's pictures come from is said, and no secret with it.
func TestCheckNamesTheSources(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := `
overshoot: {keys: [{name: main, key: ovs-12345678}]}
state_dir: state
cameras:
  - {name: gate, source: "rtsp://admin:canary@10.0.0.1/live?password=canary"}
  - {name: old, source: "rtsp://10.0.0.2/user=admin_password=canary_channel=1"}
  - {name: yard, source: {type: exec, command: [/usr/bin/ffmpeg, -i, "rtsp://u:canary@10.0.0.3/"]}}
  - {name: clip, source: {type: file, path: /clips/yard.mp4}, enabled: false}
  - {name: desk, source: /dev/video0}
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	plan, err := load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	scrubber := &secret.Scrubber{}
	scrubber.Add(plan.Config.Secrets()...)
	var printed strings.Builder
	explain(&printed, plan, scrubber.Scrub)
	for _, want := range []string{
		"camera gate: rtsp (rtsp://10.0.0.1:554/live)\n", "camera old: rtsp (rtsp://10.0.0.2:554/user=admin_password=<secret>)\n",
		"camera yard: exec (ffmpeg)\n", "camera clip: file (/clips/yard.mp4), disabled\n", "camera desk: v4l2 (/dev/video0)\n",
	} {
		if !strings.Contains(printed.String(), want) {
			t.Errorf("want %s in\n%s", want, printed.String())
		}
	}
	if strings.Contains(printed.String(), "canary") {
		t.Errorf("a secret came out:\n%s", printed.String())
	}
}

package exec_test

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera/exec"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func decode(t *testing.T, text string) (exec.Config, error) {
	t.Helper()
	s, err := config.ParseSection("/etc/agent/c.yaml", "type: exec\n"+text)
	if err != nil {
		t.Fatal(err)
	}
	return exec.Decode(s)
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"command: [rpicam-vid, -t, 0, -o, -]":             "[rpicam-vid -t 0 -o -] auto 0 /etc/agent 20s",
		"command: [./camera.sh]\ndir: /tmp":               "[/etc/agent/camera.sh] auto 0 /tmp 20s",
		"command: [/bin/sh, -c, 'a | b']\nformat: mpegts": "[/bin/sh -c a | b] mpegts 0 /etc/agent 20s",
		"command: [a, 007]\nformat: h264\nfps: 29.97":     "[a 007] h264 29.97 /etc/agent 20s",
		"command: [a]\nenv: {A: b}\ntimeout: 1m\ndir: x":  "[a] auto 0 /etc/agent/x 1m",
	} {
		c, err := decode(t, text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprint(c.Command, " ", c.Format, " ", c.FPS, " ", c.Dir, " ", c.Timeout); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestWrongSettingsAreExplained(t *testing.T) {
	const asList = `program and arguments word by word: [rpicam-vid, -t, 0, -o, -]; or [sh, -c, "…"] for a line of the shell`
	for text, want := range map[string]string{
		"command: rpicam-vid -t 0 -o -":                 `:2:10: command: found "rpicam-vid -t 0 -o -"; write a list, ` + asList,
		"fps: 30":                                       ":1:1: command: names no program; write it as a list, " + asList,
		"command: []":                                   ":2:1: command: names no program; write it as a list, " + asList,
		"command: ['']":                                 ":2:1: command: names no program; write it as a list, " + asList,
		"command: [a]\nformat: mp4":                     `:3:9: format: found "mp4"; write auto, h264, h265 or mpegts`,
		"command: [a]\nfps: 0":                          ":3:6: fps: found 0; write how many pictures a second the program gives, such as 30",
		"command: [a]\nfps: 1000":                       ":3:6: fps: found 1000; write how many pictures a second the program gives, such as 30",
		"command: [a]\ntimeout: 10ms":                   ":3:10: timeout: found 10ms; write 1s or more",
		"command: [a]\nenv: {A=B: c}":                   `:3:1: env: found the name "A=…"; write names as NAME, and values without zero bytes`,
		"command: [a]\nformatt: h264":                   `:3:1: formatt: unknown key; did you mean "format"?`,
		"command: [a, \"b\\0c\"]\nenv: {PASSWORD: abc}": ":2:1: command: found a zero byte; no program can be given one",
	} {
		if _, err := decode(t, text); err == nil || err.Error() != "/etc/agent/c.yaml"+want {
			t.Errorf("%s:\n got %v\nwant /etc/agent/c.yaml%s", text, err, want)
		}
	}
}

// The recipes are pasted as they stand.
func TestTheRecipesOfTheManual(t *testing.T) {
	text, err := os.ReadFile("../../../docs/sources.md")
	if err != nil {
		t.Fatal(err)
	}
	recipes := regexp.MustCompile("(?s)```yaml\n(command:.*?)```").FindAllSubmatch(text, -1)
	if len(recipes) < 7 {
		t.Fatalf("%d recipes", len(recipes))
	}
	for _, r := range recipes {
		if c, err := decode(t, string(r[1])); err != nil || len(c.Command) < 5 {
			t.Errorf("%s: %q, %v", r[1], c.Command, err)
		}
	}
}

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func TestMaxAttemptsOfASink(t *testing.T) {
	read := func(settings string) (*config.Config, error) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		text := "overshoot: {keys: [{name: main, key: ovs-one}]}\ncameras: [{name: a, source: \"rtsp://127.0.0.1:1/x\"}]\nsinks: {s: {type: file, path: /r" + settings + "}}\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, _, err := config.Load(path, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
		return c, err
	}
	for settings, want := range map[string]int{"": 5, ", max_attempts: 1": 1, ", max_attempts: 20": 20} {
		c, err := read(settings)
		if err != nil {
			t.Fatal(err)
		}
		s := c.Sinks[0]
		if s.MaxAttempts != want || s.Section.Has("max_attempts") {
			t.Errorf("%q: got %d", settings, s.MaxAttempts)
		}
		other, _ := read("")
		if s.Equal(other.Sinks[0]) != (want == 5) {
			t.Errorf("%q: Equal overlooks it", settings)
		}
	}
	for settings, want := range map[string]string{", max_attempts: 0": "found 0; write 1 or more", ", max_attempts: many": "max_attempts"} {
		if _, err := read(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", settings, err)
		}
	}
}

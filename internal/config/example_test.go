package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// defaultLine is a line of the example that shows a default: "# hold: 2m   (default)".
var defaultLine = regexp.MustCompile(`(?m)^( *)# (\w+: .+?) +\(default\)$`)

const examplePath = "../../configs/overshoot-agent.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(examplePath)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// loadExample loads the text with all that the example refers to.
func loadExample(t *testing.T, text string) *Config {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "overshoot-agent.yaml")
	for name, content := range map[string]string{path: text, filepath.Join(dir, "overshoot-key"): "ovs-example\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment := map[string]string{"CREDENTIALS_DIRECTORY": dir, "FRONT_DOOR_PASSWORD": "one", "DOCK_PASSWORD": "two"}
	cfg, warnings, err := Load(path, Options{Hostname: "elsewhere", LookupEnv: func(name string) (string, bool) {
		value, set := environment[name]
		return value, set
	}})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("the example does not load: %v %v", err, warnings)
	}
	cfg.Overshoot.Keys[0].KeyFile = "" // in another folder each time
	return cfg
}

func TestExampleShowsTheDefaults(t *testing.T) {
	text := readExample(t)
	asWritten := loadExample(t, text)
	written := defaultLine.ReplaceAllString(text, "$1$2")
	if strings.Contains(written, "(default)\n") {
		t.Error("a default is not in the form \"# key: value   (default)\"")
	}
	spelledOut := loadExample(t, written)
	if len(asWritten.Cameras) != len(spelledOut.Cameras) {
		t.Fatal("spelling out the defaults changed the number of cameras")
	}
	for i, camera := range asWritten.Cameras {
		if other := spelledOut.Cameras[i]; !camera.Equal(other) {
			t.Errorf("camera %+v, with defaults spelled out %+v", camera, other)
		}
	}
	for i, watch := range asWritten.Watches {
		if other := spelledOut.Watches[i]; !watch.Equal(other) {
			t.Errorf("watch %+v, with defaults spelled out %+v", watch, other)
		}
	}
	for _, pair := range [][2]any{
		{asWritten.Overshoot, spelledOut.Overshoot},
		{asWritten.Status, spelledOut.Status},
		{asWritten.StateDir, spelledOut.StateDir},
		{asWritten.Log, spelledOut.Log},
		{asWritten.Spool, spelledOut.Spool},
		{asWritten.Rotate, spelledOut.Rotate},
		{asWritten.OnShutdown, spelledOut.OnShutdown},
		{asWritten.WatchConfig, spelledOut.WatchConfig},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%+v, with defaults spelled out %+v", pair[0], pair[1])
		}
	}
}

// TestExampleIsComplete keeps the example a manual: every setting stands in it, and every setting with a
// default that is not empty shows it.
func TestExampleIsComplete(t *testing.T) {
	text := readExample(t)
	camera, watch, key := defaultCamera(), defaultWatch(), defaultKey()
	top := Default()
	for _, value := range []any{
		document{StateDir: top.StateDir, OnShutdown: top.OnShutdown},
		top.Agent, top.Overshoot, key, camera, watch, defaultRotate(), top.Status, top.Spool, top.Log,
	} {
		v := reflect.ValueOf(value)
		for name, index := range fieldsByKey(v.Type()) {
			setting := regexp.MustCompile(`(?m)^[ #-]*` + name + `:`)
			if !setting.MatchString(text) {
				t.Errorf("the example does not show %s of %s", name, v.Type())
			}
			isDefault := regexp.MustCompile(`(?m)^ *# ` + name + `: .* \(default\)$`)
			if v.Field(index).Comparable() && !v.Field(index).IsZero() && !isDefault.MatchString(text) {
				t.Errorf("the example does not show the default of %s of %s", name, v.Type())
			}
		}
	}
}

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func TestEqualIgnoresThePlace(t *testing.T) {
	path := write(t, "c.yaml", minimal)
	moved := write(t, "d.yaml", "# moved\n\n"+minimal)
	before, _ := load(t, path, options())
	after, _ := load(t, moved, options())
	if !before.Cameras[0].Equal(after.Cameras[0]) || !before.Watches[0].Equal(after.Watches[0]) || !before.Sinks[0].Equal(after.Sinks[0]) {
		t.Error("the same settings at another place differ")
	}
	for _, change := range []struct{ old, new string }{
		{"10.0.0.21/s", "10.0.0.21/t"},
		{"watches: [people]}", "watches: [people], password: x}"},
		{"watches: [people]}", "watches: [people], hold: 1s}"},
		{"every: 2s", "every: 3s"},
		{"results.jsonl", "other.jsonl"},
		{"type: file", "type: mqtt"},
	} {
		changed, _ := load(t, write(t, "e.yaml", strings.Replace(minimal, change.old, change.new, 1)), options())
		if before.Cameras[0].Equal(changed.Cameras[0]) && before.Watches[0].Equal(changed.Watches[0]) && before.Sinks[0].Equal(changed.Sinks[0]) {
			t.Errorf("a change to %q goes unnoticed", change.new)
		}
	}
}

// Each line of the table is an edit of the text above it, and says which parts it changes.
func TestWhatAnEditChanges(t *testing.T) {
	const text = `
agent: {name: nvr-01}
overshoot: {base_url: "https://a.example.test", keys: [{name: k1, key: one}, {name: k2, key: two, max_streams: 3}]}
watches:
  people: {prompt: q, model: m, every: 2s, sinks: [archive]}
  cars: {prompt: r, model: m, every: 2s, temperature: 0.5, schema: {type: object}, sinks: [archive]}
sinks: {archive: {type: file, path: results.jsonl}}
cameras:
  - {name: door, source: rtsp://u:p@10.0.0.21/s, watches: [people, cars], labels: {a: b}, agents: [nvr-01]}
  - {name: dock, source: rtsp://10.0.0.22/s, watches: [people]}
`
	before, _ := load(t, write(t, "c.yaml", text), options())
	for edit, want := range map[[2]string]string{
		{"", "# only a comment\n"}:                                     "",
		{"[nvr-01]", `["nvr-*", other]`}:                               "",
		{"u:p@10.0.0.21/s,", "10.0.0.21/s, username: u, password: p,"}: "",
		{"u:p@", "u:q@"}:                                               "door",
		{"a: b", "a: c"}:                                               "door",
		{"name: door", "name: gate"}:                                   "door",
		{"people, cars]", "cars, people]"}:                             "door",
		{"prompt: r", "prompt: s"}:                                     "door",
		{"temperature: 0.5", "temperature: 0.25"}:                      "door",
		{"{type: object}", "{type: array}"}:                            "door",
		{"cars: {", "cars: {look: {last: 5s}, "}:                       "door",
		{"prompt: r", "snapshot: true, prompt: r"}:                     "door",
		{"prompt: q", "prompt: s"}:                                     "door dock",
		{"22/s", "22/t"}:                                               "dock",
		{"22/s, ", "22/s, priority: 1, "}:                              "dock",
		{"results.jsonl", "other.jsonl"}:                               "archive",
	} {
		after, _ := load(t, write(t, "d.yaml", strings.Replace(text, edit[0], edit[1], 1)), options())
		var changed []string
		for _, camera := range []string{"door", "dock"} {
			if !before.SameCamera(camera, after) {
				changed = append(changed, camera)
			}
			if before.SameCamera(camera, after) != after.SameCamera(camera, before) {
				t.Errorf("%q -> %q: it matters who asks about %s", edit[0], edit[1], camera)
			}
		}
		if !before.Sinks[0].Equal(after.Sinks[0]) {
			changed = append(changed, "archive")
		}
		if got := strings.Join(changed, " "); got != want {
			t.Errorf("%q -> %q changes %q, want %q", edit[0], edit[1], got, want)
		}
	}
	if before.SameCamera("nobody", before) {
		t.Error("a camera that does not exist is the same")
	}
}

func TestASecretInAFileIsComparedByItsText(t *testing.T) {
	path := write(t, "c.yaml", strings.Replace(minimal, "watches: [people]}", "watches: [people], username: u, password_file: p}", 1))
	loadWith := func(password string) *config.Config {
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "p"), []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, _ := load(t, path, options())
		return cfg
	}
	first := loadWith("one")
	if !first.SameCamera("door", loadWith("one\n")) || first.SameCamera("door", loadWith("two")) {
		t.Error("a camera does not follow the text of its password_file")
	}
}

package integration

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file that cannot be used is refused by check and by run alike, with the place, what was found and what to do.
func TestBadConfiguration(t *testing.T) {
	t.Parallel()
	const here = "# here"
	for _, c := range []struct {
		name, from, to string // a line of the good file, and what stands there instead; "# here" marks where the problem must be seen
		want           []string
	}{
		{"unknown key", `    every: 1s`, `    evry: 1s ` + here, []string{"evry", "every"}},
		{"wrong type", `    max_tokens: 64`, `    max_tokens: many ` + here, []string{"many", "number"}},
		{"duplicate camera", `  # more cameras`, `  - {name: yard, source: "rtsp://127.0.0.1:1/b", watches: [counter]} ` + here, []string{"yard", "name"}},
		{"undefined variable", `    max_tokens: 64`, `    system: "${NO_SUCH_VARIABLE}" ` + here, []string{"NO_SUCH_VARIABLE", "set"}},
		{"undefined watch", `  # more cameras`, `  - {name: dock, source: "rtsp://127.0.0.1:1/b", watches: [conter]} ` + here, []string{"conter", "counter"}},
		{"bad camera", `  # more cameras`, `  - {name: dock, source: "http://viewer:SECRET@127.0.0.1/b", watches: [counter]} ` + here, []string{"http", "rtsp://"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSecrets()
			text := strings.Replace(goodConfig(s), c.from, c.to, 1)
			text = strings.ReplaceAll(text, "SECRET", s.key("in the address"))
			before, _, found := strings.Cut(text, here)
			if !found {
				t.Fatalf("the good file has no line %q", c.from)
			}
			path := filepath.Join(t.TempDir(), configName)
			must(t, os.WriteFile(path, []byte(text), 0o600))
			place := fmt.Sprintf("%s:%d:", path, 1+strings.Count(before, "\n"))
			for _, command := range []string{"check", "run"} {
				code, printed := runAgent(t, command, "--config", path)
				if code != 78 {
					t.Errorf("%s: exit code %d, want 78", command, code)
				}
				for _, want := range append(c.want, place) {
					if !strings.Contains(printed, want) {
						t.Errorf("%s does not say %q:\n%s", command, want, printed)
					}
				}
				s.check(t, map[string]string{command: printed})
			}
		})
	}
}

// goodConfig is a file that check likes, full of secrets.
func goodConfig(s *secrets) string {
	return fmt.Sprintf(`overshoot:
  keys: [{name: main, key: %q}]
cameras:
  - {name: yard, source: "rtsp://127.0.0.1:1/a", username: %q, password: %q, watches: [counter]}
  # more cameras
watches:
  counter:
    prompt: "What is the counter?"
    model: google/gemma-4-26B-A4B-it
    every: 1s
    max_tokens: 64
    sinks: [events]
sinks:
  events: {type: file, path: results.jsonl}
`, s.key("main"), s.user, s.password)
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := newSecrets()
	good := filepath.Join(t.TempDir(), configName)
	must(t, os.WriteFile(good, []byte(goodConfig(s)), 0o600))
	missing := filepath.Join(t.TempDir(), "missing.yaml")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"check", "--config", good}, 0, "the configuration is good"},
		{[]string{"check", "--config", missing}, 78, missing},
		{[]string{"run", "--config", missing}, 78, missing},
		{[]string{"version"}, 0, "overshoot-agent "},
		{[]string{"publish"}, 64, "--help"},
		{[]string{"run"}, 64, "--config"},
		{[]string{"run", "--conf", good}, 64, "--config"},
	} {
		code, printed := runAgent(t, c.args...)
		if code != c.code || !strings.Contains(printed, c.want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", c.args, code, c.code, c.want, printed)
		}
		s.check(t, map[string]string{strings.Join(c.args, " "): printed})
	}
}

// Cameras that cannot be used do not touch the one that can, and each is told apart in the log.
func TestBadCameras(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "locked=360p30,yard=360p30,modern=360p30:says=vp8")
	s.cameras["gone"] = "rtsp://" + closedPort(t) + "/gone"
	s.cameras["elsewhere"] = strings.Replace(s.cameras["yard"], "/yard", "/no-such-stream", 1)
	cameras := s.lockedCamera("locked", s.secrets.wrong, "counter")
	for _, name := range []string{"gone", "modern", "elsewhere", "yard"} {
		cameras += s.camera(name, "counter")
	}
	a := startAgent(t, s, cameras, counterWatch)
	for camera, want := range map[string][]string{
		"locked":    {s.cameras["locked"], "401", "check username and password"},
		"gone":      {s.cameras["gone"], "connection refused", "check that the camera is on"},
		"modern":    {s.cameras["modern"], "VP8", "set the camera's stream to H.264"},
		"elsewhere": {s.cameras["elsewhere"], "404", "check the path"},
	} {
		a.waitTrouble(camera, "source", want...)
	}
	a.waitEvents("yard/counter", 4)
	if code, text := a.get("/readyz"); code != http.StatusOK {
		t.Errorf("/readyz: %d %s", code, text)
	}
	if n := len(s.calls("create")); n != 1 {
		t.Errorf("%d streams were made, want one for the camera that delivers", n)
	}
	checkEndOf(a, s)
}

// A key that is refused makes its camera wait, and does not touch those on another.
func TestRefusedKey(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30,gate=360p30")
	s.do(http.MethodPut, "/keys/second", `{"revoked":true}`)
	cameras := s.lockedCamera("yard", s.secrets.password, "counter") + s.camera("gate", "counter")
	a := startAgentWith(t, s, cameras, counterWatch, func(config string) string {
		keys := fmt.Sprintf("    - {name: second, key: %q, max_streams: 1}\n    - {name: main, key: %q, max_streams: 1}\n", s.secrets.key("second"), s.secrets.key("main"))
		before, after, _ := strings.Cut(config, "  keys:\n")
		_, after, _ = strings.Cut(after, "\n")
		return before + "  keys:\n" + keys + after
	})
	var good, waiting string
	eventually(t, "one camera waits and the other has results", func() bool {
		for one, other := range map[string]string{"yard": "gate", "gate": "yard"} {
			if state, _ := a.part(one, "lease"); state == "waiting" && len(a.events(other+"/counter")) > 0 {
				good, waiting = other, one
			}
		}
		return good != ""
	})
	a.waitPart("key second", "key", "refused")
	a.waitTrouble("key second", "key", "401", "key")
	if _, trouble := a.part(waiting, "lease"); trouble != "" && !strings.Contains(trouble, "401") {
		t.Errorf("the camera that waits says %q", trouble)
	}
	a.waitEvents(good+"/counter", 3)
	checkEndOf(a, s)
}

// waitTrouble blocks until the log has one line about a part of a camera with all of these words.
func (a *agent) waitTrouble(camera, part string, words ...string) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("the log says of %s's %s: %q", camera, part, words), func() bool {
		for _, line := range a.log() {
			all := line.Unit == camera && line.Part == part && line.Level == "warn"
			for _, word := range words {
				all = all && strings.Contains(line.Error, word)
			}
			if all {
				return true
			}
		}
		return false
	})
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A lab is an agent with as many cameras as keys, each key good for one stream, so that what goes wrong with one key strikes one camera.
// All cameras are the same one of the simulator. Which of them gets which key is for the agent to say.
type lab struct {
	t    *testing.T
	s    *simulator
	a    *agent
	dir  string
	keys []string
	text string // of the configuration
}

// labWatch asks often and does not wait long for an answer.
const labWatch = `
  eye:
    prompt: "What is the counter?"
    model: ` + gemma + `
    fallback: [` + qwen + `]
    every: 500ms
    timeout: 2s
    schema: ` + counterSchema + `
    sinks: [events]
`

// newLab prepares an agent on s with these keys, which the simulator knows by the same names.
func newLab(t *testing.T, s *simulator, keys ...string) *lab {
	t.Helper()
	l := &lab{t: t, s: s, dir: t.TempDir(), keys: keys}
	l.text = s.config(l.dir, l.cameras(), labWatch)
	before, after, _ := strings.Cut(l.text, "  keys:\n")
	_, after, _ = strings.Cut(after, "\n")
	l.text = before + "  keys:\n" + l.keyLines() + after
	return l
}

func (l *lab) cameras() (text string) {
	for i := range l.keys {
		name := fmt.Sprintf("eye-%d", i+1)
		l.s.cameras[name] = l.s.cameras["yard"]
		text += l.s.lockedCamera(name, l.s.secrets.password, "eye")
	}
	return text
}

// keyLines is the YAML of the keys. Each is in a file of its own, which may be replaced.
func (l *lab) keyLines() (text string) {
	must(l.t, os.MkdirAll(l.keyDir(), 0o700))
	for _, name := range l.keys {
		l.putKey(name, name)
		text += fmt.Sprintf("    - {name: %s, key_file: %q, max_streams: 1}\n", name, filepath.Join(l.keyDir(), name))
	}
	return text
}

// keyDir is outside the agent's folder: the keys in it are no leak.
func (l *lab) keyDir() string { return l.dir + "-keys" }

// putKey writes the text of the simulator's key into the file of the agent's key, replacing it whole.
func (l *lab) putKey(name, simulators string) {
	l.t.Helper()
	path := filepath.Join(l.keyDir(), name)
	must(l.t, os.WriteFile(path+".new", []byte(l.s.secrets.key(simulators)+"\n"), 0o600))
	must(l.t, os.Rename(path+".new", path))
}

// start runs the agent. It may be called again after it was stopped.
func (l *lab) start() {
	l.t.Helper()
	l.startProgram(agentProgram(l.t))
}

func (l *lab) startProgram(path string) {
	l.t.Helper()
	config := filepath.Join(l.dir, configName)
	must(l.t, os.WriteFile(config, []byte(l.text), 0o600))
	l.a = launchAgent(l.t, l.s, l.dir, exec.Command(path, "run", "--config", config))
	l.a.waitStarted()
}

// streams returns the id of the active stream of each key of the lab, the newest one if there are several.
func (l *lab) streams() map[string]string {
	l.t.Helper()
	ids := map[string]string{}
	for _, stream := range l.s.streams() { // the oldest first
		if stream.State == "active" && slices.Contains(l.keys, stream.Key) {
			ids[stream.Key] = stream.ID
		}
	}
	return ids
}

// results counts the results about each stream.
func (l *lab) results() map[string]int {
	l.t.Helper()
	n := map[string]int{}
	for _, e := range l.a.allEvents() {
		n[e.Data.StreamID]++
	}
	return n
}

// waitAsking blocks until there are more results about the streams of all these keys, and returns the streams.
func (l *lab) waitAsking(keys ...string) (streams map[string]string) {
	l.t.Helper()
	before := l.results()
	eventually(l.t, fmt.Sprintf("results about the streams of %v", keys), func() bool {
		streams = l.streams()
		now := l.results()
		return !slices.ContainsFunc(keys, func(key string) bool {
			id := streams[key]
			return id == "" || now[id] < before[id]+2
		})
	})
	return streams
}

// fault makes a rule for a key and returns its id.
func (s *simulator) fault(op, key, rule string) string {
	s.t.Helper()
	var made struct{ ID string }
	s.ask(http.MethodPost, "/faults", fmt.Sprintf(`{"op":%q,"key":%q,%s}`, op, key, rule), &made)
	return made.ID
}

// strikes returns how many calls each rule has struck, by id. Calls that are still under way count, other than in the call log.
func (s *simulator) strikes() map[string]int {
	s.t.Helper()
	var rules []struct {
		ID     string
		Struck int
	}
	s.ask(http.MethodGet, "/faults", "", &rules)
	struck := map[string]int{}
	for _, rule := range rules {
		struck[rule.ID] = rule.Struck
	}
	return struck
}

package integration

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A fleet is a configuration of many cameras in pieces, for tests that change it and start agents on it again and again.
type fleet struct {
	t       *testing.T
	s       *simulator
	dir     string // of the agents' files
	cameras []fleetCamera
	keys    []string // by name; each is worth five streams
	more    string   // further lines of the top level
	every   string   // between two questions
	prompt  string   // of the watch asked
	results string   // the name of the result file
	level   string   // of the log

	pid  int    // of an agent that sees another file system than we do
	root string // where we find the files that it sees
}

// A fleetCamera is one camera of a fleet.
type fleetCamera struct {
	name     string
	priority int
	disabled bool
	watch    string // counter unless set
}

// newFleet starts a simulator with n small cameras, named cam-1 and so on, that are all configured on key main. The simulator lets a key
// have any number of streams, so that one too many is seen, and remembers those that ended.
func newFleet(t *testing.T, n int, args ...string) *fleet {
	t.Helper()
	var cameras []fleetCamera
	var list []string
	for i := range n {
		cameras = append(cameras, fleetCamera{name: fmt.Sprintf("cam-%d", i+1)})
		list = append(list, cameras[i].name+"=360p30")
	}
	s := startSimulator(t, strings.Join(list, ","), append(args, "--set", "tombstone_seconds=86400")...)
	return &fleet{
		t: t, s: s, dir: t.TempDir(), cameras: cameras, keys: []string{"main"},
		every: "1s", prompt: "What is the counter?", results: "results.jsonl", level: "debug",
	}
}

// write writes the configuration as it is now, replacing the file whole, as editors and configuration management do.
func (f *fleet) write() {
	f.t.Helper()
	f.writeText(f.text())
}

func (f *fleet) writeText(text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, configName)
	must(f.t, os.WriteFile(path+".new", []byte(text), 0o600))
	must(f.t, os.Rename(path+".new", path))
}

// start runs an agent on the configuration as it is now, and blocks until it has started.
func (f *fleet) start() *agent {
	f.t.Helper()
	f.write()
	return startAgentIn(f.t, f.s, f.dir)
}

// launch runs an agent on the configuration as it was written last, and does not wait for it.
func (f *fleet) launch() *agent {
	f.t.Helper()
	return launchAgent(f.t, f.s, f.dir, exec.Command(agentProgram(f.t), "run", "--config", filepath.Join(f.dir, configName)))
}

func (f *fleet) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "agent: {name: test-agent}\novershoot:\n  base_url: %q\n  keys:\n", f.s.recorder.url)
	for _, key := range f.keys {
		fmt.Fprintf(&text, "    - {name: %s, key: %q, max_streams: 5}\n", key, f.s.secrets.key(key))
	}
	text.WriteString("cameras:\n")
	for _, c := range f.cameras {
		text.WriteString(f.camera(c))
	}
	fmt.Fprintf(&text, `watches:
  counter: {prompt: "What is the counter?", model: %[1]s, every: %[2]s, max_tokens: 77, sinks: [events], schema: %[3]s}
  edited: {prompt: %[4]q, model: %[1]s, every: %[2]s, max_tokens: 77, sinks: [events], schema: %[3]s}
sinks:
  events: {type: file, path: %[5]q}
status: {listen: "127.0.0.1:0"}
state_dir: %[6]q
log: {level: %[7]s, format: json}
%[8]s
`, gemma, f.every, counterSchema, f.prompt, filepath.Join(f.dir, f.results), f.stateDir(), f.level, f.more)
	return text.String()
}

const counterSchema = `{type: object, properties: {counter: {type: integer}, camera: {type: integer}}, required: [counter, camera]}`

// camera is the YAML of one camera. The first one of the simulator wants a password.
func (f *fleet) camera(c fleetCamera) string {
	watch, credentials := c.watch, ""
	if watch == "" {
		watch = "counter"
	}
	if c.name == "cam-1" {
		credentials = fmt.Sprintf("username: %q, password: %q, ", f.s.secrets.user, f.s.secrets.password)
	}
	return fmt.Sprintf("  - {name: %s, source: %q, %sstall_after: 2s, priority: %d, enabled: %t, watches: [%s]}\n",
		c.name, f.s.cameras[c.name], credentials, c.priority, !c.disabled, watch)
}

func (f *fleet) disk() string     { return filepath.Join(f.dir, "disk") }
func (f *fleet) stateDir() string { return filepath.Join(f.disk(), "state") }

// held returns the ids of the streams that the agent holds under a living lease, by camera.
func (a *agent) held() map[string]string {
	a.t.Helper()
	streams := map[string]string{}
	for camera, parts := range a.parts() {
		if lease := parts["lease"]; lease.State == "active" && lease.Detail["stream"] != "" {
			streams[camera] = lease.Detail["stream"]
		}
	}
	return streams
}

// waitHeld blocks until the agent holds n streams, all of which have a publisher in their room, and returns them by camera.
func (f *fleet) waitHeld(a *agent, n int) map[string]string {
	f.t.Helper()
	var held map[string]string
	eventually(f.t, fmt.Sprintf("the agent holds %d streams and publishes to them", n), func() bool {
		held = a.held()
		published := 0
		for _, stream := range f.s.activeByID() {
			if stream.Publisher {
				published++
			}
		}
		return len(held) == n && published == n
	})
	return held
}

// checkNoOrphans fails the test unless the streams that are active at the service are the ones that the agent holds.
func (f *fleet) checkNoOrphans(held map[string]string) {
	f.t.Helper()
	known := map[string]bool{}
	for _, id := range held {
		known[id] = true
	}
	active := f.s.activeByID()
	for id, stream := range active {
		if !known[id] {
			f.t.Errorf("an orphan: %+v", stream)
		}
	}
	if len(active) < len(known) {
		f.t.Errorf("the agent holds %d streams, but %d are active", len(known), len(active))
	}
}

// checkReleased fails the test unless the streams were deleted.
func (f *fleet) checkReleased(held map[string]string) {
	f.t.Helper()
	for _, stream := range f.s.streams() {
		for camera, id := range held {
			if stream.ID == id && (stream.State != "ended" || stream.EndReason != "deleted" || stream.Publisher) {
				f.t.Errorf("the stream of %s was not released: %+v", camera, stream)
			}
		}
	}
}

// activeByID returns the active streams.
func (s *simulator) activeByID() map[string]streamState {
	s.t.Helper()
	active := map[string]streamState{}
	for _, stream := range s.streams() {
		if stream.State == "active" {
			active[stream.ID] = stream
		}
	}
	return active
}

// mostStreams returns the most streams each key ever had at a time.
func (s *simulator) mostStreams() map[string]int {
	s.t.Helper()
	var state struct {
		MaxStreamsSeen map[string]int `json:"max_streams_seen"`
	}
	s.ask(http.MethodGet, "/state", "", &state)
	return state.MaxStreamsSeen
}

// callsSince returns the calls that ended after call n.
func (s *simulator) callsSince(n int64) []call {
	s.t.Helper()
	var all []call
	s.ask(http.MethodGet, fmt.Sprintf("/calls?since=%d", n), "", &all)
	return all
}

// lastCall returns the number of the newest call.
func (s *simulator) lastCall() int64 {
	s.t.Helper()
	var state struct{ Calls int64 }
	s.ask(http.MethodGet, "/state", "", &state)
	return state.Calls
}

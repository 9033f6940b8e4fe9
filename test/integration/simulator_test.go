package integration

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A simulator is one overshoot-simulator process with its recorder in front.
type simulator struct {
	t        *testing.T
	control  string
	cameras  map[string]string // name → address
	recorder *recorder
	secrets  *secrets
}

// startSimulator starts a simulator that ends with the test. Its keys main and second, both random, have two streams each.
func startSimulator(t *testing.T, cameras string, args ...string) *simulator {
	t.Helper()
	return startSimulatorWith(t, cameras, []string{"main", "second"}, args...)
}

// startSimulatorWith does the same with other keys, given by name. Each belongs to a user of its own, or to another key's: "new,user=old".
func startSimulatorWith(t *testing.T, cameras string, keys []string, args ...string) *simulator {
	t.Helper()
	s := &simulator{t: t, cameras: map[string]string{}, secrets: newSecrets()}
	for _, key := range keys {
		name, options, _ := strings.Cut(key, ",")
		args = append(args, "--key", strings.TrimSuffix(name+"="+s.secrets.key(name)+","+options, ","))
	}
	args = append(args,
		"--livekit-server", program(t, "LIVEKIT_SERVER", ".cache/livekit-server"), "--clips", program(t, "OVERSHOOT_CLIPS", ".cache/clips"),
		"--cameras", cameras, "--exit-with-parent", "--log-level", "warn",
		"--camera-password", strings.Split(cameras, "=")[0]+"="+s.secrets.user+":"+s.secrets.password)
	cmd := exec.Command(program(t, "OVERSHOOT_SIMULATOR_BIN", "bin/overshoot-simulator"), args...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe() // closes with this process, and with it the simulator
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("the simulator ended badly: %v", err)
		}
	})
	s.readReady(stdout)
	return s
}

// readReady blocks until the simulator says where everything is. The first time, clips are made.
func (s *simulator) readReady(stdout io.Reader) {
	s.t.Helper()
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		s.t.Fatalf("the simulator did not start: %v", err)
	}
	var ready struct {
		API, Control string
		Cameras      []struct{ Name, URL string }
	}
	must(s.t, json.Unmarshal(line, &ready))
	s.control = ready.Control
	for _, c := range ready.Cameras {
		s.cameras[c.Name] = c.URL
	}
	api, err := url.Parse(ready.API)
	must(s.t, err)
	s.recorder = startRecorder(s.t, &url.URL{Scheme: api.Scheme, Host: api.Host}, s.secrets)
}

// do tells the control interface to do something, such as POST /cameras/dock/stall.
func (s *simulator) do(method, path, body string) {
	s.t.Helper()
	s.ask(method, path, body, nil)
}

func (s *simulator) ask(method, path, body string, answer any) {
	s.t.Helper()
	request, err := http.NewRequest(method, s.control+path, strings.NewReader(body))
	must(s.t, err)
	client := http.Client{Timeout: patience}
	response, err := client.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(s.t, err)
	if response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: %s", method, path, text)
	}
	if answer != nil {
		must(s.t, json.Unmarshal(text, answer))
	}
}

// A streamState is what the simulator tells about a stream.
type streamState struct {
	ID, State, Camera string
	Key               string
	Publisher         bool
	Frames            int
	LostPictures      int    `json:"lost_pictures"`
	EndReason         string `json:"end_reason"`
	Media             struct {
		Joins          int
		LostPackets    int `json:"lost_packets"`
		DecodeErrors   int `json:"decode_errors"`
		UnreadCounters int `json:"unread_counters"` // decoded pictures without a legible counter
	}
}

func (s *simulator) streams() []streamState {
	s.t.Helper()
	var state struct{ Streams []streamState }
	s.ask(http.MethodGet, "/state", "", &state)
	return state.Streams
}

// active returns the only active stream.
func (s *simulator) active() streamState {
	s.t.Helper()
	var found []streamState
	for _, stream := range s.streams() {
		if stream.State == "active" {
			found = append(found, stream)
		}
	}
	if len(found) != 1 {
		s.t.Fatalf("%d streams are active, want 1: %+v", len(found), found)
	}
	return found[0]
}

// A call is one that the simulator answered.
type call struct {
	N      int64
	At     time.Time
	Op     string
	Key    string
	Stream string
	Region string // as asked for
	Status int    // 0: not answered
	Fault  string // that struck
	Chat   *struct {
		Model       string
		Media       []string
		Counters    []int
		LiveCounter int `json:"live_counter"`
		Content     string
		Serial      int64
		AnsweredAt  time.Time `json:"answered_at"`
	}
}

// calls returns the calls of one kind, in the order in which they ended.
func (s *simulator) calls(op string) []call {
	s.t.Helper()
	var all, matching []call
	s.ask(http.MethodGet, "/calls", "", &all)
	for _, c := range all {
		if c.Op == op {
			matching = append(matching, c)
		}
	}
	return matching
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// die makes a child process end when this one is killed.
func die() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// compact is a JSON text without optional white space, for comparing.
func compact(t *testing.T, text []byte) string {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Errorf("%v in %s", err, text)
	}
	return out.String()
}

// mustDecode reads a JSON text.
func mustDecode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

const configName = "overshoot-agent.yaml"

// An agent is one overshoot-agent process. Everything that ever comes out of it is searched for secrets.
type agent struct {
	t        *testing.T
	dir      string
	base     string // of its HTTP addresses
	secrets  *secrets
	cmd      *exec.Cmd
	stdout   *output
	stderr   *output
	pages    *output // all that was ever got over HTTP
	ended    chan struct{}
	finished bool // all that came out of it was looked at
}

// startAgent runs an agent with cameras and watches (YAML) against s, and blocks until it has started. It ends with the test.
func startAgent(t *testing.T, s *simulator, cameras, watches string) *agent {
	t.Helper()
	return startAgentWith(t, s, cameras, watches, func(config string) string { return config })
}

// startAgentWith does the same with a configuration that was changed.
func startAgentWith(t *testing.T, s *simulator, cameras, watches string, change func(config string) string) *agent {
	t.Helper()
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, configName), []byte(change(s.config(dir, cameras, watches))), 0o600))
	return startAgentIn(t, s, dir)
}

// startAgentIn does the same with the configuration that lies in dir, of which an earlier agent may have been the first to make use.
func startAgentIn(t *testing.T, s *simulator, dir string) *agent {
	t.Helper()
	a := launchAgent(t, s, dir, exec.Command(agentProgram(t), "run", "--config", filepath.Join(dir, configName)))
	a.waitStarted()
	return a
}

// launchAgent starts the command that runs an agent whose files lie in dir, and does not wait for it. It ends with the test.
func launchAgent(t *testing.T, s *simulator, dir string, command *exec.Cmd) *agent {
	t.Helper()
	a := &agent{
		t: t, dir: dir, secrets: s.secrets, cmd: command, ended: make(chan struct{}),
		stdout: &output{}, stderr: &output{}, pages: &output{},
	}
	a.cmd.Stdout, a.cmd.Stderr, a.cmd.SysProcAttr = a.stdout, a.stderr, die()
	must(t, a.cmd.Start())
	go func() { defer close(a.ended); _ = a.cmd.Wait() }()
	t.Cleanup(a.finish)
	return a
}

// waitStarted blocks until the agent has said where its status is.
func (a *agent) waitStarted() {
	a.t.Helper()
	eventually(a.t, "the agent says where its status is", func() bool {
		select {
		case <-a.ended:
			a.t.Fatalf("the agent ended: %s", a.stderr)
		default:
		}
		for _, line := range a.log() {
			if line.Message == "agent started" {
				a.base = strings.TrimSuffix(line.Status, "/status")
			}
		}
		return a.base != ""
	})
}

// config is a whole configuration around cameras and watches.
func (s *simulator) config(dir, cameras, watches string) string {
	return fmt.Sprintf(`agent: {name: test-agent}
overshoot:
  base_url: %q
  keys:
    - {name: main, key: %q, max_streams: 2}
cameras:
%s
watches:
%s
sinks:
  events: {type: file, path: %q}
status: {listen: "127.0.0.1:0"}
state_dir: %q
log: {level: debug, format: json}
`, s.recorder.url, s.secrets.key("main"), cameras, watches, filepath.Join(dir, "results.jsonl"), filepath.Join(dir, "state"))
}

// kill ends the agent without a warning, and looks at what came out of it so far.
func (a *agent) kill() {
	a.t.Helper()
	must(a.t, a.cmd.Process.Kill())
	<-a.ended
	a.finish()
	a.finished = true
}

// finish ends the agent if the test did not, and looks for secrets and races in all that came out of it.
func (a *agent) finish() {
	if a.finished {
		return
	}
	select {
	case <-a.ended:
	default:
		a.stop(syscall.SIGTERM)
	}
	texts := filesBelow(a.t, a.dir)
	texts["stdout"], texts["stderr"], texts["http"] = a.stdout.String(), a.stderr.String(), a.pages.String()
	a.secrets.check(a.t, texts)
	if strings.Contains(texts["stderr"], "DATA RACE") || strings.Contains(texts["stderr"], "panic:") {
		a.t.Error("the agent has a data race, or panicked")
	}
	if a.t.Failed() {
		text := withoutSDK(texts["stderr"])
		a.t.Logf("the end of the agent's log:\n%s", text[max(0, len(text)-20_000):])
	}
}

// withoutSDK leaves out what LiveKit's SDK says, which is most of a debug log.
func withoutSDK(log string) string {
	var kept strings.Builder
	for line := range strings.Lines(log) {
		if !strings.Contains(line, `"logger":"livekit`) {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// stop sends a signal and checks that the agent ends well, within the ten seconds that service managers grant.
func (a *agent) stop(signal syscall.Signal) {
	a.t.Helper()
	if a.base != "" {
		for _, page := range []string{"/status", "/metrics", "/readyz", "/healthz"} {
			a.get(page)
		}
	}
	must(a.t, a.cmd.Process.Signal(signal))
	select {
	case <-a.ended:
	case <-time.After(10 * time.Second):
		_ = a.cmd.Process.Kill()
		<-a.ended
		a.t.Errorf("10 s after %v the agent was still there", signal)
		return
	}
	if code := a.cmd.ProcessState.ExitCode(); code != 0 {
		a.t.Errorf("exit code %d after %v", code, signal)
	}
}

// get returns the status code and the text of a page.
func (a *agent) get(page string) (int, string) {
	a.t.Helper()
	client := http.Client{Timeout: patience}
	response, err := client.Get(a.base + page)
	must(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(a.t, err)
	_, _ = a.pages.Write(text)
	return response.StatusCode, string(text)
}

// A view is what /status shows of one part of a unit.
type view struct {
	State, Error string
	Detail       map[string]string
}

// parts returns what /status shows, by unit and part.
func (a *agent) parts() map[string]map[string]view {
	a.t.Helper()
	_, text := a.get("/status")
	var page struct {
		Units []struct {
			Name  string
			Parts map[string]view
		}
	}
	mustDecode(a.t, text, &page)
	parts := map[string]map[string]view{}
	for _, u := range page.Units {
		parts[u.Name] = u.Parts
	}
	return parts
}

// part returns the state of a part of a unit, such as the source of camera dock, and its trouble.
func (a *agent) part(unit, part string) (state, trouble string) {
	a.t.Helper()
	v := a.parts()[unit][part]
	return v.State, v.Error
}

func (a *agent) waitPart(unit, part, want string) {
	a.t.Helper()
	eventually(a.t, unit+": "+part+" is "+want, func() bool {
		state, _ := a.part(unit, part)
		return state == want
	})
}

// metric returns a counter or gauge; labels is name, value, name, value …
func (a *agent) metric(name string, labels ...string) float64 {
	a.t.Helper()
	code, text := a.get("/metrics")
	if code != http.StatusOK {
		a.t.Fatalf("/metrics: %d", code)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	must(a.t, err)
	for _, m := range families[name].GetMetric() {
		if has(m, labels) {
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	a.t.Fatalf("no metric %s%v", name, labels)
	return 0
}

func has(m *dto.Metric, labels []string) bool {
	values := map[string]string{}
	for _, l := range m.GetLabel() {
		values[l.GetName()] = l.GetValue()
	}
	for i := 0; i < len(labels); i += 2 {
		if values[labels[i]] != labels[i+1] {
			return false
		}
	}
	return true
}

// A logLine is what the suite reads of a line of the log.
type logLine struct {
	Level, Unit, Part, State, Error, Status string
	Camera, Stream, Cause                   string
	Message                                 string `json:"msg"`
}

// log returns the whole lines written so far; each must be JSON.
func (a *agent) log() (lines []logLine) {
	a.t.Helper()
	text := a.stderr.String()
	for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
		var l logLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			a.t.Fatalf("the log has a line that is not JSON: %s", line)
		}
		lines = append(lines, l)
	}
	return lines
}

// output collects what a process writes. It is safe for concurrent use.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// runAgent runs a command of the agent that ends by itself and returns its exit code and all that it printed.
func runAgent(t *testing.T, args ...string) (code int, printed string) {
	t.Helper()
	cmd := exec.Command(agentProgram(t), args...)
	cmd.SysProcAttr = die()
	text, err := cmd.CombinedOutput()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// in is the same agent for a subtest, which is to fail in its stead.
func (a *agent) in(t *testing.T) *agent {
	shared := *a
	shared.t = t
	return &shared
}

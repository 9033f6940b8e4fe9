package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A load is an agent that makes some fifty results a second of one small camera, and the ledger of what becomes of them.
type load struct {
	t      *testing.T
	s      *simulator
	ledger *ledger
	dir    string // of the agent's own files
	out    string // where result files go, which are too many to be searched for secrets after each kill
	every  string // between two questions of each of the watches
	sinks  string // YAML, one a line
	names  []string
	more   string // further lines of the top level
	asks   int    // how many watches there are

	program string // the agent's
}

const loadCamera = "yard"

// newLoad starts a simulator for it. The sinks are for the test to add.
func newLoad(t *testing.T) *load {
	t.Helper()
	s := startSimulator(t, loadCamera+"=180p15", "--no-decode", "--set", "rate_limit_rps=0", "--set", "chat_latency_ms=0")
	return &load{t: t, s: s, ledger: newLedger(t, s), dir: t.TempDir(), out: t.TempDir(), every: "100ms", asks: 6, program: agentProgram(t)}
}

// addFile adds a file sink.
func (o *load) addFile(name, more string) *arrivals {
	path := filepath.Join(o.out, name+".jsonl")
	o.add(name, fmt.Sprintf("type: file, path: %q", path), more)
	return o.ledger.file(name, path)
}

// addHook adds a webhook sink.
func (o *load) addHook(name, more string) *hook {
	h := o.ledger.hook(name)
	o.add(name, fmt.Sprintf("type: webhook, url: %q", h.url()), more)
	return h
}

// add adds a sink by its settings. Its arrivals are for the caller to tell the ledger.
func (o *load) add(name, settings, more string) {
	o.names = append(o.names, name)
	if more != "" {
		settings += ", " + more
	}
	o.sinks += fmt.Sprintf("  %s: {%s}\n", name, settings)
}

func (o *load) stateDir() string { return filepath.Join(o.dir, "disk", "state") }

func (o *load) config() string {
	watches, names := "", []string{}
	for i := range o.asks {
		names = append(names, fmt.Sprintf("ask-%d", i+1))
		watches += fmt.Sprintf("  %s: {prompt: \"What is it?\", model: %s, every: %s, timeout: 10s, schema: %s, sinks: [%s]}\n",
			names[i], gemma, o.every, serialSchema, strings.Join(o.names, ", "))
	}
	return fmt.Sprintf(`agent: {name: test-agent}
overshoot:
  base_url: %q
  keys:
    - {name: main, key: %q, max_streams: 2}
cameras:
%swatches:
%ssinks:
%sstatus: {listen: "127.0.0.1:0"}
on_shutdown: keep
state_dir: %q
log: {level: info, format: json}
%s
`, o.s.recorder.url, o.s.secrets.key("main"), o.s.lockedCamera(loadCamera, o.s.secrets.password, strings.Join(names, ", ")), watches, o.sinks, o.stateDir(), o.more)
}

// command is what runs the agent on the configuration as it is now.
func (o *load) command() *exec.Cmd {
	o.t.Helper()
	path := filepath.Join(o.dir, configName)
	must(o.t, os.MkdirAll(filepath.Dir(o.stateDir()), 0o750))
	must(o.t, os.WriteFile(path, []byte(o.config()), 0o600))
	return exec.Command(o.program, "run", "--config", path)
}

// launch runs an agent and does not wait for it.
func (o *load) launch() *agent {
	o.t.Helper()
	return launchAgent(o.t, o.s, o.dir, o.command())
}

// start runs an agent, and blocks until there are answers.
func (o *load) start() *agent {
	o.t.Helper()
	a := o.launch()
	a.waitStarted()
	o.waitAnswers(1)
	return a
}

// waitAnswers blocks until there are n more answers.
func (o *load) waitAnswers(n int) {
	o.t.Helper()
	before := len(o.ledger.issued)
	within(o.t, patience+time.Duration(n)*50*time.Millisecond, fmt.Sprintf("%d more answers", n), func() bool {
		o.ledger.refresh()
		return len(o.ledger.issued) >= before+n
	})
}

// kill ends an agent without a warning.
func (o *load) kill(a *agent) {
	o.t.Helper()
	o.ledger.ending()
	must(o.t, a.cmd.Process.Kill())
	<-a.ended
	o.ended(a)
}

// stop ends an agent in order.
func (o *load) stop(a *agent) {
	o.t.Helper()
	o.ledger.ending()
	a.stop(syscall.SIGTERM)
	o.ended(a)
}

func (o *load) ended(a *agent) {
	o.t.Helper()
	o.ledger.ended(o.stateDir())
	a.finish()
	a.finished = true
}

// quiet has no more questions asked, and blocks until all answers are known. The agent goes on.
func (o *load) quiet() {
	o.t.Helper()
	o.s.do("POST", "/cameras/"+loadCamera+"/stall", "")
	eventually(o.t, "questions end", func() bool {
		before := o.ledger.newest()
		time.Sleep(500 * time.Millisecond)
		return o.ledger.newest() == before
	})
}

// loud ends quiet.
func (o *load) loud() {
	o.t.Helper()
	o.s.do("POST", "/cameras/"+loadCamera+"/resume", "")
	o.waitAnswers(1)
}

// Package integration drives the real programs from outside: overshoot-agent, built with the race detector, against overshoot-simulator
// with a livekit-server of its own. `make test` builds all of them and runs the suite.
package integration

import (
	"cmp"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// patience is when a wait counts as failed. It is no measure of speed: on a good day everything here takes a few seconds.
const patience = 60 * time.Second

// program returns the absolute path of what the suite needs, from a variable of the environment or from where make puts it.
func program(t *testing.T, variable, usual string) string {
	t.Helper()
	path, err := filepath.Abs(cmp.Or(os.Getenv(variable), filepath.Join("..", "..", usual)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; run make test, which builds what is missing, or set %s", err, variable)
	}
	return path
}

func agentProgram(t *testing.T) string {
	return program(t, "OVERSHOOT_AGENT_BIN", "bin/overshoot-agent")
}

// eventually waits until ok, and fails the test when that never comes. It is for things that happen in another process.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	within(t, patience, what, ok)
}

// within is eventually for what takes its time on a good day already.
func within(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// A journalEntry is what the suite reads of a stream in the agent's journal.
type journalEntry struct {
	Camera, Key, ID string
	OverAt          float64 `json:"over_at_uptime_s"` // of a create whose answer is not known: when its stream is gone for certain
}

// journalPath is where the agents of the fleet remember their streams.
func (f *fleet) journalPath() string { return filepath.Join(f.root, f.stateDir(), "leases.json") }

// journal reads the journal, which is whole whatever happened to the agent that wrote it, and private.
func (f *fleet) journal() []journalEntry {
	f.t.Helper()
	text, err := os.ReadFile(f.journalPath())
	must(f.t, err)
	f.s.secrets.check(f.t, map[string]string{f.journalPath(): string(text)})
	var file struct{ Streams []journalEntry }
	if err := json.Unmarshal(text, &file); err != nil {
		f.t.Fatalf("the journal is damaged: %v in %q", err, text)
	}
	info, err := os.Stat(f.journalPath())
	must(f.t, err)
	if info.Mode().Perm() != 0o600 {
		f.t.Errorf("the journal has the mode %v", info.Mode())
	}
	return file.Streams
}

// uptime is the clock by which the journal says when a create is over.
func uptime(t *testing.T) float64 {
	t.Helper()
	var now unix.Timespec
	must(t, unix.ClockGettime(unix.CLOCK_BOOTTIME, &now))
	return float64(now.Nano()) / 1e9
}

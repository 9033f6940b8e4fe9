package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// An event is one line of the result file: a CloudEvent whose data is a result.
type event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Sequence        string    `json:"sequence"`
	Data            struct {
		Camera       string            `json:"camera"`
		Watch        string            `json:"watch"`
		Prompt       string            `json:"prompt"`
		Labels       map[string]string `json:"labels"`
		StreamID     string            `json:"stream_id"`
		Model        string            `json:"model"`
		OK           bool              `json:"ok"`
		Result       json.RawMessage   `json:"result"`
		Error        string            `json:"error"`
		FinishReason string            `json:"finish_reason"`
		LatencyMS    *int64            `json:"latency_ms"`
		Usage        *json.RawMessage  `json:"usage"`
		Snapshot     *reference        `json:"snapshot"`
		Replayed     *bool             `json:"replayed"`
	} `json:"data"`
}

// events returns the results of one camera and watch written so far, the oldest first.
func (a *agent) events(subject string) (matching []event) {
	a.t.Helper()
	for _, e := range a.allEvents() {
		if e.Subject == subject {
			matching = append(matching, e)
		}
	}
	return matching
}

// distinct leaves out what comes again with the same id, as it may after a kill.
func distinct(events []event) []event {
	seen := map[string]bool{}
	return slices.DeleteFunc(events, func(e event) bool {
		again := seen[e.ID]
		seen[e.ID] = true
		return again
	})
}

func (a *agent) allEvents() (all []event) {
	a.t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "results.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // no result yet
	}
	must(a.t, err)
	for line := range bytes.Lines(text[:bytes.LastIndexByte(text, '\n')+1]) {
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		var e event
		if err := decoder.Decode(&e); err != nil {
			a.t.Fatalf("%v in %s", err, line)
		}
		all = append(all, e)
	}
	return all
}

// waitEvents blocks until n more results of a camera and watch are there.
func (a *agent) waitEvents(subject string, n int) {
	a.t.Helper()
	want := len(a.events(subject)) + n
	eventually(a.t, fmt.Sprintf("%d more results of %s", n, subject), func() bool { return len(a.events(subject)) >= want })
}

// checkEvents checks all that can be said of the result file by itself, once the agent has ended.
func (a *agent) checkEvents() {
	t := a.t
	t.Helper()
	text, err := os.ReadFile(filepath.Join(a.dir, "results.jsonl"))
	must(t, err)
	if !bytes.HasSuffix(text, []byte("\n")) {
		t.Error("the last line of the result file is not complete")
	}
	ids, next := map[string]bool{}, map[string]int{}
	for _, e := range a.allEvents() {
		d := e.Data
		if e.SpecVersion != "1.0" || e.Source != "urn:overshoot:agent:test-agent/"+d.Camera || e.Type != "ai.overshoot.result.v1" ||
			e.Subject != d.Camera+"/"+d.Watch || e.DataContentType != "application/json" || e.Time.IsZero() || e.Time.Location() != time.UTC {
			t.Errorf("not the CloudEvent it should be: %+v", e)
		}
		if d.StreamID == "" || d.Model == "" || d.Prompt != d.Watch || len(d.Result) == 0 || d.LatencyMS == nil || d.Usage == nil || d.Replayed == nil || *d.Replayed {
			t.Errorf("fields of the result are missing: %+v", e)
		}
		if ids[e.ID] || len(e.ID) != 36 {
			t.Errorf("the id %q is not a new one", e.ID)
		}
		ids[e.ID] = true
		if next[e.Subject]++; e.Sequence != fmt.Sprintf("%020d", next[e.Subject]) {
			t.Errorf("%s: sequence %s, want %d", e.Subject, e.Sequence, next[e.Subject])
			next[e.Subject] = atoi(t, e.Sequence)
		}
	}
}

func atoi(t *testing.T, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(text, "%d", &n); err != nil {
		t.Errorf("%q is no number", text)
	}
	return n
}

// newest returns the last result.
func (a *agent) newest() event {
	a.t.Helper()
	all := a.allEvents()
	if len(all) == 0 {
		a.t.Fatal("there is no result")
	}
	return all[len(all)-1]
}

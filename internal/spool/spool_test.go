package spool_test

import (
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

func TestResultsOutliveTheProcess(t *testing.T) {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	h.queue(t, "a")
	var want []string
	for i := range 200 {
		r := anAnswer("door", uint64(i+1), 100+i*20) // up to several parts
		want = append(want, r.ID)
		h.put(t, r, "a", "b")
	}
	q := h.queue(t, "a")
	batch, err := q.Next(t.Context(), 10)
	if err != nil || len(batch) != 10 {
		t.Fatal(batch, err)
	}
	q.Done(3)
	if err := h.close(); err != nil {
		t.Fatal(err)
	}

	h = open(t, optionsFor(folder))
	if got := h.drain(t, "a"); !slices.Equal(got, want[3:]) {
		t.Errorf("a got %d: %v", len(got), got)
	}
	if got := h.drain(t, "b"); !slices.Equal(got, want) {
		t.Errorf("b got %d: %v", len(got), got)
	}
	if got := h.Sequences().Next("door", "people"); got != 201 {
		t.Errorf("the next number is %d", got)
	}
	if h.metric("dropped_total") != 0 || h.metric("quarantined_files_total") != 0 || h.part.View().State != "ok" {
		t.Errorf("status %+v", h.part.View())
	}
}

func TestAResultComesBackAsItWas(t *testing.T) {
	h := open(t, optionsFor(t.TempDir()))
	want := anAnswer("door", 7, 5000)
	want.Labels, want.Latency, want.Usage = map[string]string{"site": "north"}, 412*time.Millisecond, result.Usage{PromptTokens: 7}
	h.put(t, want, "a")
	batch, err := h.queue(t, "a").Next(t.Context(), 1)
	if err != nil || len(batch) != 1 {
		t.Fatal(batch, err)
	}
	got, _ := batch[0].MarshalJSON()
	if text, _ := want.MarshalJSON(); string(got) != string(text) {
		t.Errorf("got  %s\nwant %s", got, text)
	}
}

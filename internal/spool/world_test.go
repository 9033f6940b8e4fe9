package spool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// full tells whether to run the numbers that the promises are made of.
var full = os.Getenv("OVERSHOOT_FAULTS") == "full"

// scaled returns one number for each day and one for the promises.
func scaled(daily, promised int) int {
	if full {
		return promised
	}
	return daily
}

// A house is one life of a spool.
type house struct {
	*spool.Spool
	part     *status.Part
	registry *prometheus.Registry
	closed   bool
}

func optionsFor(folder string) spool.Options {
	return spool.Options{Folder: folder, Sync: time.Second, MaxBytes: 64 << 20, MaxAge: 7 * 24 * time.Hour, OnFull: spool.DropOldest, Log: zap.NewNop()}
}

// open opens a spool, and closes it at the end of the test.
func open(t testing.TB, o spool.Options) *house {
	t.Helper()
	h := &house{registry: prometheus.NewRegistry()}
	h.part = status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind)
	o.Part, o.Meters = h.part, spool.NewMeters(h.registry)
	h.Spool = spool.Open(o)
	t.Cleanup(func() { h.close() })
	return h
}

func (h *house) close() error {
	if h.closed {
		return nil
	}
	h.closed = true
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return h.Close(ctx)
}

// metric is the sum of all series of a metric that have the given label values.
func (h *house) metric(name string, values ...string) (sum float64) {
	families, _ := h.registry.Gather()
	for _, f := range families {
		if f.GetName() != "overshoot_agent_spool_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			has := map[string]bool{}
			for _, l := range m.GetLabel() {
				has[l.GetValue()] = true
			}
			all := true
			for _, v := range values {
				all = all && has[v]
			}
			if all {
				sum += m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

// anAnswer is a result of about so many bytes.
func anAnswer(camera string, sequence uint64, size int) result.Result {
	answer, _ := json.Marshal(strings.Repeat("x", max(0, size-560)))
	return result.Result{
		ID: fmt.Sprintf("%s-%d", camera, sequence), Sequence: sequence, Time: time.UnixMilli(1_800_000_000_000 + int64(sequence)).UTC(), Agent: "box", Camera: camera,
		Watch: "people", StreamID: "0193f3e8-8a5b-7c3d-9e2f-1a2b3c4d5e6f", Model: "model", OK: true, Answer: answer, FinishReason: "stop",
	}
}

// put appends a result and waits until it is accepted.
func (h *house) put(t testing.TB, r result.Result, sinks ...string) {
	t.Helper()
	receipt, err := h.Append(t.Context(), r, sinks)
	if err == nil {
		err = receipt.Wait(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) queue(t testing.TB, sink string) *spool.Queue {
	t.Helper()
	q, err := h.Queue(sink)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// drain takes all that waits for a sink and returns the ids.
func (h *house) drain(t testing.TB, sink string) (ids []string) {
	t.Helper()
	q := h.queue(t, sink)
	for q.Len() > 0 {
		batch, err := q.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			ids = append(ids, r.ID)
		}
		q.Done(len(batch))
	}
	return ids
}

// copyTo copies the files of a spool as they are at this moment, as a power cut would leave them.
func copyTo(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range []string{spool.FileName, spool.FileName + "-wal"} {
		text, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(to, name), text, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

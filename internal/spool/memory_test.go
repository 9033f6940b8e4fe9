package spool_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"
)

// newMemory returns a queue and how to ask one of its metrics.
func newMemory(limit int) (m *spool.Memory, metric func(name string) float64) {
	registry := prometheus.NewRegistry()
	m = spool.NewMemory(limit, spool.NewVectors(registry).Sink("s"))
	return m, func(name string) float64 {
		families, _ := registry.Gather()
		for _, f := range families {
			if f.GetName() == "overshoot_agent_spool_"+name {
				return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
			}
		}
		return -1
	}
}

func numbers(batch []result.Result) (all []uint64) {
	for _, r := range batch {
		all = append(all, r.Sequence)
	}
	return all
}

func TestTheQueueIsBoundedAndKeepsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(2, 8).Draw(t, "limit")
		m, metric := newMemory(limit)
		var waiting, lent []uint64 // the model
		var added, dropped uint64
		t.Repeat(map[string]func(*rapid.T){
			"add": func(*rapid.T) {
				added++
				if len(waiting) == limit { // the oldest that nobody has borrowed goes
					waiting = slices.Delete(waiting, len(lent), len(lent)+1)
					dropped++
				}
				waiting = append(waiting, added)
				m.Add(result.Result{Sequence: added})
			},
			"next": func(t *rapid.T) {
				if len(waiting) == 0 {
					return
				}
				most := rapid.IntRange(1, 10).Draw(t, "max")
				batch, err := m.Next(context.Background(), most)
				got := numbers(batch)
				if err != nil || len(got) == 0 || len(got) > most || !slices.Equal(got, waiting[:len(got)]) {
					t.Fatalf("got %v, %v of %v", got, err, waiting)
				}
				lent = got
			},
			"done": func(*rapid.T) {
				m.Done(len(lent))
				waiting, lent = waiting[len(lent):], nil
			},
			"": func(t *rapid.T) {
				if m.Len() != len(waiting) || metric("records") != float64(len(waiting)) || metric("dropped_total") != float64(dropped) {
					t.Fatalf("%d wait, want %d; the metrics say %v and %v dropped, want %d",
						m.Len(), len(waiting), metric("records"), metric("dropped_total"), dropped)
				}
			},
		})
	})
}

func TestTheSmallestQueueStillMoves(t *testing.T) {
	m, _ := newMemory(0)
	m.Add(result.Result{Sequence: 1})
	if batch, err := m.Next(t.Context(), 10); err != nil || len(batch) != 1 {
		t.Fatalf("got %v, %v", batch, err)
	}
	m.Add(result.Result{Sequence: 2})
	m.Add(result.Result{Sequence: 3})
	m.Done(1)
	if batch, _ := m.Next(t.Context(), 10); !slices.Equal(numbers(batch), []uint64{3}) {
		t.Errorf("got %v", numbers(batch))
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := newMemory(10)
		start := time.Now()
		time.AfterFunc(time.Minute, func() { m.Add(result.Result{}) })
		if batch, err := m.Next(t.Context(), 10); err != nil || len(batch) != 1 || time.Since(start) != time.Minute {
			t.Errorf("got %v, %v after %v", batch, err, time.Since(start))
		}
		m.Done(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := m.Next(ctx, 10); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestManyAddersAndOneTakerLoseNothing(t *testing.T) {
	const adders, each = 8, 500
	m, _ := newMemory(adders * each)
	var all sync.WaitGroup
	for a := range adders {
		all.Go(func() {
			for i := range each {
				m.Add(result.Result{Sequence: uint64(i), Camera: string(rune('a' + a))})
			}
		})
	}
	next := map[string]uint64{}
	for taken := 0; taken < adders*each; {
		batch, err := m.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if r.Sequence != next[r.Camera] {
				t.Fatalf("%s: got %d, want %d", r.Camera, r.Sequence, next[r.Camera])
			}
			next[r.Camera]++
		}
		m.Done(len(batch))
		taken += len(batch)
	}
	all.Wait()
}

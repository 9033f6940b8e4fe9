package spool_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"pgregory.net/rapid"
)

// A ledger is the model: what each sink has to get, and what it got.
type ledger struct {
	due   map[string][]string // by sink, in order; only that of each camera counts
	taken map[string][]string
	dead  map[string]int
	last  map[string]uint64 // sequence, by camera
}

var sinks = []string{"a", "b", "c"}

var cameras = []string{"door", "dock", "gate"}

// of returns those of some ids that are of a camera.
func of(camera string, ids []string) (its []string) {
	for _, id := range ids {
		if strings.HasPrefix(id, camera+"-") {
			its = append(its, id)
		}
	}
	return its
}

// take notes that a sink took a result, or has none of it any more.
func (m *ledger) take(s, id string) {
	m.taken[s] = append(m.taken[s], id)
	m.due[s] = slices.DeleteFunc(slices.Clone(m.due[s]), func(other string) bool { return other == id })
}

// inOrder tells whether the results of each camera are the next ones for a sink.
func (m *ledger) inOrder(s string, batch []result.Result) bool {
	var ids []string
	for _, r := range batch {
		ids = append(ids, r.ID)
	}
	return !slices.ContainsFunc(cameras, func(camera string) bool {
		next := of(camera, ids)
		return !slices.Equal(next, of(camera, m.due[s])[:min(len(next), len(of(camera, m.due[s])))])
	})
}

// Operations in any order, with crashes in between: nothing that was accepted is lost or changes its place among those of its camera, and a sink
// gets twice only what it took last before a crash.
func TestTheSpoolKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folder := t.TempDir()
		h := open(t, optionsFor(folder))
		defer func() { h.close() }()
		m := ledger{map[string][]string{}, map[string][]string{}, map[string]int{}, map[string]uint64{}}
		for _, s := range sinks {
			h.queue(t, s)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				camera := rapid.SampledFrom(cameras).Draw(rt, "camera")
				to := rapid.SliceOfNDistinct(rapid.SampledFrom(sinks), 1, 3, rapid.ID[string]).Draw(rt, "sinks")
				for range rapid.IntRange(1, 20).Draw(rt, "n") {
					m.last[camera]++
					r := anAnswer(camera, m.last[camera], rapid.IntRange(500, 3000).Draw(rt, "size"))
					h.put(t, r, to...)
					for _, s := range to {
						m.due[s] = append(m.due[s], r.ID)
					}
				}
			},
			"deliver": func(rt *rapid.T) {
				s := rapid.SampledFrom(sinks).Draw(rt, "sink")
				if len(m.due[s]) == 0 {
					return
				}
				q := h.queue(t, s)
				batch, err := q.Next(t.Context(), rapid.IntRange(1, 30).Draw(rt, "max"))
				if err != nil || len(batch) > len(m.due[s]) {
					rt.Fatalf("got %d of %d, %v", len(batch), len(m.due[s]), err)
				}
				if !m.inOrder(s, batch) {
					rt.Fatalf("%s: got %v, want %v", s, batch, m.due[s])
				}
				n := rapid.IntRange(0, len(batch)).Draw(rt, "done")
				q.Done(n)
				for _, r := range batch[:n] {
					m.take(s, r.ID)
				}
				if n < len(batch) && rapid.Bool().Draw(rt, "dead") {
					q.Dead("refused", 5)
					m.take(s, batch[n].ID)
					m.dead[s]++
				}
			},
			"checkpoint": func(rt *rapid.T) {
				if err := h.Checkpoint(); err != nil {
					rt.Fatal(err)
				}
			},
			"stop": func(rt *rapid.T) {
				if err := h.close(); err != nil {
					rt.Fatal(err)
				}
				h = open(t, optionsFor(folder))
				m.compare(t, rt, h, false)
			},
			"crash": func(rt *rapid.T) {
				var left string
				h.Frozen(func() { left = copyTo(t, folder) })
				h.close()
				folder = left
				h = open(t, optionsFor(folder))
				m.compare(t, rt, h, true)
			},
		})
	})
}

// compare checks a spool that was opened again. After a crash it may begin with some of what a sink took, in order, unless their places were
// used again since.
func (m *ledger) compare(t *testing.T, rt *rapid.T, h *house, crashed bool) {
	for _, s := range sinks {
		q := h.queue(t, s)
		var got []string
		if q.Len() > 0 {
			batch, err := q.Next(t.Context(), 1<<20)
			if err != nil {
				rt.Fatal(err)
			}
			for _, r := range batch {
				got = append(got, r.ID)
			}
		}
		for _, camera := range cameras {
			its, due := of(camera, got), of(camera, m.due[s])
			again := len(its) - len(due)
			if again < 0 || again > 0 && !crashed || !slices.Equal(its[again:], due) {
				rt.Fatalf("%s: got %v, want %v", s, its, due)
			}
			rest := of(camera, m.taken[s])
			for _, id := range its[:again] {
				i := slices.Index(rest, id)
				if i < 0 {
					rt.Fatalf("%s: %s comes again, or in another place", s, id)
				}
				rest = rest[i+1:]
			}
		}
		m.due[s] = got
		m.taken[s] = slices.DeleteFunc(m.taken[s], func(id string) bool { return slices.Contains(got, id) })
		if q.DeadLetters() != m.dead[s] {
			rt.Fatalf("%s: %d dead letters, want %d", s, q.DeadLetters(), m.dead[s])
		}
	}
	for camera, last := range m.last {
		if got := h.Sequences().Next(camera, "people"); got != last+1 {
			rt.Fatalf("%s: the next number is %d after %d", camera, got, last)
		}
	}
	if h.part.View().State != "ok" || h.metric("quarantined_files_total") != 0 || h.metric("dropped_total", "corrupt") != 0 {
		rt.Fatalf("%s", fmt.Sprint(h.part.View()))
	}
}

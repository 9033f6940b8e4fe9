// Package status answers "are you well, and if not, why": in one JSON document, in health checks, in metrics and in the log.
//
// Every part of the agent that runs by itself owns a Part and tells it each change of state; that one call makes the log line, the
// metric and the status page agree. The package knows nothing of what the parts do.
package status

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// A Board shows the parts of the whole agent. Its methods may be called from any goroutine.
type Board struct {
	log   *zap.Logger
	gauge *prometheus.GaugeVec

	mu    sync.Mutex
	parts map[string]map[string]*Part // unit, such as a camera's name → part, such as "source"
}

// NewBoard returns an empty board that writes changes to log and registers its metric.
func NewBoard(log *zap.Logger, reg prometheus.Registerer) *Board {
	b := &Board{
		log: log,
		gauge: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "overshoot_agent", Name: "state", Help: "1 for the state a part is in, 0 for its others.",
		}, []string{"unit", "part", "state"}),
		parts: map[string]map[string]*Part{},
	}
	reg.MustRegister(b.gauge)
	return b
}

// A Kind is a kind of part: its name and the closed list of its states, the first of which is where it starts.
type Kind struct {
	Name   string
	States []string
}

// Add puts a part of unit on the board, in the first state of its kind. A part of that name, if any, is replaced.
func (b *Board) Add(unit string, kind Kind) *Part {
	p := &Part{
		unit: unit, kind: kind, gauge: b.gauge, log: b.log.With(zap.String("unit", unit), zap.String("part", kind.Name)),
		view: View{State: kind.States[0], Since: time.Now()},
	}
	for _, s := range kind.States {
		b.gauge.WithLabelValues(unit, kind.Name, s).Set(0)
	}
	b.gauge.WithLabelValues(unit, kind.Name, kind.States[0]).Set(1)

	b.mu.Lock()
	defer b.mu.Unlock()
	if b.parts[unit] == nil {
		b.parts[unit] = map[string]*Part{}
	}
	b.parts[unit][kind.Name] = p
	return p
}

// Remove takes a unit with all its parts off the board.
func (b *Board) Remove(unit string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.parts, unit)
	b.gauge.DeletePartialMatch(prometheus.Labels{"unit": unit})
}

// A Unit is what the board shows of one unit.
type Unit struct {
	Name  string          `json:"name"`
	Parts map[string]View `json:"parts"`
}

// Units returns what the board shows now, sorted by name.
func (b *Board) Units() []Unit {
	b.mu.Lock()
	defer b.mu.Unlock()
	var units []Unit
	for _, name := range slices.Sorted(maps.Keys(b.parts)) {
		views := map[string]View{}
		for kind, part := range b.parts[name] {
			views[kind] = part.View()
		}
		units = append(units, Unit{Name: name, Parts: views})
	}
	return units
}

// Any tells whether some unit has a part of this kind in one of the states.
func (b *Board) Any(kind string, states ...string) bool {
	return slices.ContainsFunc(b.Units(), func(u Unit) bool {
		v, ok := u.Parts[kind]
		return ok && slices.Contains(states, v.State)
	})
}

// Line says in one short line how many parts of a kind are in which state, for a service manager.
func (b *Board) Line(kind Kind) string {
	counts := map[string]int{}
	for _, u := range b.Units() {
		if v, ok := u.Parts[kind.Name]; ok {
			counts[v.State]++
		}
	}
	var words []string
	for _, s := range kind.States {
		if counts[s] > 0 {
			words = append(words, s+" "+strconv.Itoa(counts[s]))
		}
	}
	return kind.Name + ": " + strings.Join(words, ", ")
}

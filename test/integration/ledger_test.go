package integration

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

// A ledger is the oracle of the tests about what becomes of results. It knows each answer that the simulator gave, and what each sink
// has got, and judges: nothing is missing, nothing is there that was not answered, nothing was changed, and all came in order.
//
// The watches it can judge ask for a serial number; see serialSchema.
type ledger struct {
	t *testing.T
	s *simulator

	lastCall int64
	issued   map[int64]issue // by serial number
	ends     []end           // of the lives of agents
	sinks    []*arrivals
	spooled  *arrivals        // what was found in the spool of an agent that was killed
	excused  map[string]int64 // results that sinks need not have, because they were counted as dropped
}

// An issue is one answer of the simulator.
type issue struct {
	serial  int64
	asked   time.Time
	at      time.Time
	stream  string
	content string
}

// An end is that of one agent: from the signal until the process is gone.
type end struct{ begin, over time.Time }

// serialSchema makes each answer one of its kind.
const serialSchema = `{type: object, properties: {serial: {type: integer}}, required: [serial]}`

// acceptedAfter is what an agent may take from an answer that left the simulator to its commit, on a machine that is busy with other tests.
// What was answered less than this before a kill may be lost, unless anything tells that it was accepted.
const acceptedAfter = 2 * time.Second

func newLedger(t *testing.T, s *simulator) *ledger {
	t.Helper()
	return &ledger{t: t, s: s, issued: map[int64]issue{}, excused: map[string]int64{}, spooled: &arrivals{name: "spool"}}
}

// sink makes a sink known that the results are to get to. Whoever plays its far side calls take for all that it takes.
func (l *ledger) sink(name string) *arrivals {
	a := &arrivals{name: name}
	l.sinks = append(l.sinks, a)
	return a
}

// ending notes that the agent is about to be killed or stopped.
func (l *ledger) ending() { l.ends = append(l.ends, end{begin: time.Now()}) }

// ended notes that it is gone. stateDir is where it had its spool: what waits there counts as accepted. "" is for one that nobody can look at.
func (l *ledger) ended(stateDir string) {
	l.t.Helper()
	l.ends[len(l.ends)-1].over = time.Now()
	if stateDir == "" {
		return
	}
	for _, line := range exportSpool(l.t, "--state-dir", stateDir) {
		l.spooled.take(line)
	}
}

// endOf returns the end of the agent that asked; false where that still lives.
func (l *ledger) endOf(i issue) (end, bool) {
	n, _ := slices.BinarySearchFunc(l.ends, i.asked, func(e end, asked time.Time) int {
		if e.over.IsZero() {
			return 1
		}
		return e.over.Compare(asked)
	})
	if n == len(l.ends) {
		return end{}, false
	}
	return l.ends[n], true
}

// excuse lets a sink miss n results more, because the agent has counted that it dropped them.
func (l *ledger) excuse(sink string, n int64) { l.excused[sink] += n }

// refresh learns what was answered and what has arrived in files since the last time.
func (l *ledger) refresh() {
	l.t.Helper()
	for _, c := range l.s.callsSince(l.lastCall) {
		l.lastCall = c.N
		if c.Chat != nil && c.Status == http.StatusOK && c.Chat.Serial > 0 {
			l.issued[c.Chat.Serial] = issue{c.Chat.Serial, c.At, c.Chat.AnsweredAt, c.Stream, c.Chat.Content}
		}
	}
	for _, a := range l.sinks {
		a.refresh(l.t)
	}
}

// accepted returns the serial numbers of all answers that must have become results: those that an agent had time enough for, and those that
// turned up anywhere.
func (l *ledger) accepted() (serials []int64) {
	for serial, i := range l.issued {
		e, ended := l.endOf(i)
		if !ended || e.begin.Sub(i.at) > acceptedAfter || slices.ContainsFunc(l.places(), func(a *arrivals) bool { return a.has(serial) }) {
			serials = append(serials, serial)
		}
	}
	slices.Sort(serials)
	return serials
}

// places are all in which results were seen.
func (l *ledger) places() []*arrivals { return append([]*arrivals{l.spooled}, l.sinks...) }

// missing returns those of some serial numbers that a sink does not have.
func (l *ledger) missing(a *arrivals, accepted []int64) (serials []int64) {
	return slices.DeleteFunc(slices.Clone(accepted), a.has)
}

// waitComplete blocks until the sinks named, or all, have every accepted result, but for those that they are excused, and returns how long
// that took.
func (l *ledger) waitComplete(limit time.Duration, names ...string) time.Duration {
	l.t.Helper()
	start := time.Now()
	for {
		looked := time.Now()
		l.refresh()
		short, accepted := "", l.accepted()
		for _, a := range l.sinks {
			if missing := l.missing(a, accepted); (len(names) == 0 || slices.Contains(names, a.name)) && int64(len(missing)) > l.excused[a.name] {
				short += fmt.Sprintf(" %s: %d of %d, %s;", a.name, len(missing), len(accepted), l.describe(missing))
			}
		}
		if short == "" {
			return time.Since(start)
		}
		if time.Since(start) > limit {
			l.t.Fatalf("waited %v in vain for results:%s", limit, short)
		}
		time.Sleep(max(100*time.Millisecond, 3*time.Since(looked))) // of many results it is no small work
	}
}

// describe shows the first of some answers, with their age.
func (l *ledger) describe(serials []int64) (text string) {
	for _, serial := range serials[:min(3, len(serials))] {
		i := l.issued[serial]
		text += fmt.Sprintf(" #%d answered %v ago", serial, time.Since(i.at).Round(time.Millisecond))
		if e, ended := l.endOf(i); ended {
			text += fmt.Sprintf(" (%v before an agent's end)", e.begin.Sub(i.at).Round(time.Millisecond))
		}
	}
	return text
}

// waitProbe blocks until each sink has something that was answered after this moment: all of them work.
func (l *ledger) waitProbe() {
	l.t.Helper()
	start := time.Now()
	eventually(l.t, "a fresh result arrives at each sink", func() bool {
		l.refresh()
		return !slices.ContainsFunc(l.sinks, func(a *arrivals) bool { return !l.hasSince(a, start) })
	})
}

// hasSince tells whether a sink has anything that was answered after some moment.
func (l *ledger) hasSince(a *arrivals, moment time.Time) bool {
	for serial, i := range l.issued {
		if i.at.After(moment) && a.has(serial) {
			return true
		}
	}
	return false
}

// newest returns the greatest serial number that was issued.
func (l *ledger) newest() int64 {
	l.t.Helper()
	l.refresh()
	return slices.Max(append(slices.Collect(maps.Keys(l.issued)), 0))
}

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A siege is a time in which faults strike one kind of call, each on its key.
type siege struct {
	s      *simulator
	op     string
	faults []apiFault
	first  int64 // the last call before
	start  time.Time
	rules  map[string]string // ids, by the name of the fault
}

func besiege(s *simulator, op string, faults []apiFault) *siege {
	g := &siege{s: s, op: op, faults: faults, first: s.lastCall(), start: time.Now(), rules: map[string]string{}}
	for _, fault := range faults {
		g.rules[fault.name] = s.fault(op, fault.name, `"times":-1,`+fault.rule)
	}
	return g
}

// A limit is how many calls a fault may strike: so many at once, and then so many a minute.
type limit struct{ once, perMinute float64 }

// end ends it, says how often each fault struck, and fails the test where that was more often than its limit, or the usual one, allows, or
// before a 429 allowed it.
func (g *siege) end(t *testing.T, usual limit, special map[string]limit) {
	t.Helper()
	took, strikes := time.Since(g.start), g.s.strikes()
	g.s.do(http.MethodDelete, "/faults", "")
	var figures []string
	for _, fault := range g.faults {
		n := strikes[g.rules[fault.name]]
		figures = append(figures, fmt.Sprintf("%s %d", fault.name, n))
		limit, ok := special[fault.name]
		if !ok {
			limit = usual
		}
		if most := limit.once + limit.perMinute*took.Minutes(); float64(n) > most || n == 0 {
			t.Errorf("%s: %s struck %d calls in %v, want 1 to %.1f", g.op, fault.name, n, took.Round(time.Second), most)
		}
		g.checkPauses(t, fault)
	}
	t.Logf("%s, calls struck in %v: %s", g.op, took.Round(time.Second), strings.Join(figures, ", "))
}

// checkPauses fails the test when a call came before a 429 allowed it.
func (g *siege) checkPauses(t *testing.T, fault apiFault) {
	t.Helper()
	if fault.pause == nil {
		return
	}
	var last time.Time
	for _, c := range g.s.callsSince(g.first) {
		if c.Op != g.op || c.Key != fault.name || c.Fault == "" {
			continue
		}
		if pause := fault.pause(last); !last.IsZero() && c.At.Sub(last) < pause {
			t.Errorf("%s: %s was called again after %v, want %v or more", fault.name, c.Op, c.At.Sub(last), pause)
		}
		last = c.At
	}
}

// waitStruck blocks until each fault has struck.
func (g *siege) waitStruck() {
	g.s.t.Helper()
	eventually(g.s.t, "all faults strike a call of "+g.op, func() bool {
		strikes := g.s.strikes()
		return !slices.ContainsFunc(g.faults, func(f apiFault) bool { return strikes[g.rules[f.name]] == 0 })
	})
}

// last waits until the siege has lasted for d.
func (g *siege) last(d time.Duration) { time.Sleep(time.Until(g.start.Add(d))) }

// A bystander is a camera whose key is well.
type bystander struct {
	lab     *lab
	key     string
	stream  string
	results int
	since   time.Time
}

func (l *lab) watchBystander(key string) *bystander {
	l.t.Helper()
	stream := l.waitAsking(key)[key]
	return &bystander{lab: l, key: key, stream: stream, results: l.results()[stream], since: time.Now()}
}

// check fails the test unless results have come all the time, twice a second but for slow machines, from one stream.
func (b *bystander) check(t *testing.T) {
	t.Helper()
	if now := b.lab.streams()[b.key]; now != b.stream {
		t.Errorf("the stream of key %s is %s, want the old one, %s", b.key, now, b.stream)
	}
	n, seconds := b.lab.results()[b.stream]-b.results, time.Since(b.since).Seconds()
	t.Logf("meanwhile key %s had %d results in %.0f s", b.key, n, seconds)
	if float64(n) < seconds {
		t.Errorf("key %s had only %d results in %.0f s", b.key, n, seconds)
	}
}

package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An apiFault is something that comes instead of an answer of the service.
type apiFault struct {
	name string // also of the key that it strikes
	rule string // of the simulator
	// pause returns how long a 429 wants to be left alone, as of a moment. nil: it is no 429.
	pause func(now time.Time) time.Duration
}

// apiFaults are all that the service, and what stands between, may come up with.
func apiFaults() (all []apiFault) {
	for _, status := range []int{401, 402, 403, 409, 422, 500, 501, 502, 503, 504} {
		all = append(all, apiFault{name: fmt.Sprint(status), rule: fmt.Sprintf(`"status":%d`, status)})
	}
	date := time.Now().Add(30 * time.Second)
	for name, busy := range map[string]struct {
		header string
		pause  func(time.Time) time.Duration
	}{
		"zero":    {"0", constantly(time.Second)}, // that is the least
		"seconds": {"3", constantly(3 * time.Second)},
		"hour":    {"3600", constantly(5 * time.Minute)}, // that is the most
		"garbage": {"soon", constantly(time.Second)},
		"date":    {date.UTC().Format(http.TimeFormat), func(now time.Time) time.Duration { return max(time.Second, date.Sub(now)-time.Second) }},
	} {
		all = append(all, apiFault{"429-" + name, fmt.Sprintf(`"status":429,"headers":{"Retry-After":%q}`, busy.header), busy.pause})
	}
	return append(
		all,
		apiFault{name: "hang", rule: `"hang":true`},
		apiFault{name: "slow", rule: `"slow_loris":20`},
		apiFault{name: "huge", rule: `"body_bytes":104857600`},
		apiFault{name: "malformed", rule: `"status":200,"body":"{\"id\": nobody,"`},
	)
}

func constantly(d time.Duration) func(time.Time) time.Duration {
	return func(time.Time) time.Duration { return d }
}

// faultsNamed returns some of them.
func faultsNamed(names string) (some []apiFault) {
	for _, fault := range apiFaults() {
		if slices.Contains(strings.Fields(names), fault.name) {
			some = append(some, fault)
		}
	}
	return some
}

func namesOf(faults []apiFault) (names []string) {
	for _, fault := range faults {
		names = append(names, fault.name)
	}
	return names
}

// A siege is a time in which faults strike one kind of call, each on its key.
type siege struct {
	s      *simulator
	op     string
	faults []apiFault
	first  int64 // the last call before
	start  time.Time
	ends   []func()
}

func besiege(s *simulator, op string, faults []apiFault) *siege {
	g := &siege{s: s, op: op, faults: faults, first: s.lastCall(), start: time.Now()}
	for _, fault := range faults {
		g.ends = append(g.ends, s.fault(op, fault.name, `"times":-1,`+fault.rule))
	}
	return g
}

// end ends it, says how often each fault struck, and fails the test where that was too often: more than once and so many times a minute
// after that, or before a 429 allowed it.
func (g *siege) end(t *testing.T, perMinute map[string]float64) {
	t.Helper()
	took := time.Since(g.start)
	for _, end := range g.ends {
		end()
	}
	var figures []string
	for _, fault := range g.faults {
		calls := g.s.struck(g.first, g.op, fault.name)
		figures = append(figures, fmt.Sprintf("%s %d", fault.name, len(calls)))
		if len(calls) == 0 {
			t.Errorf("%s: %s struck nothing", g.op, fault.name)
		}
		limit, ok := perMinute[fault.name]
		if !ok {
			limit = perMinute["other"]
		}
		if most := 1 + limit*took.Minutes(); float64(len(calls)) > most {
			t.Errorf("%s: %s struck %d calls in %v, want %.1f at most", g.op, fault.name, len(calls), took.Round(time.Second), most)
		}
		checkPauses(t, fault, calls)
	}
	t.Logf("%s, calls struck in %v: %s", g.op, took.Round(time.Second), strings.Join(figures, ", "))
}

// checkPauses fails the test when a call came before a 429 allowed it.
func checkPauses(t *testing.T, fault apiFault, calls []call) {
	t.Helper()
	if fault.pause == nil {
		return
	}
	for i, c := range calls[:max(0, len(calls)-1)] {
		if pause, next := fault.pause(c.At), calls[i+1].At.Sub(c.At); next < pause {
			t.Errorf("%s: %s was called again after %v, %v too early", fault.name, c.Op, next, pause-next)
		}
	}
}

// waitStruck blocks until each fault has struck.
func (g *siege) waitStruck() {
	g.s.t.Helper()
	var missing string
	eventually(g.s.t, "all faults strike a call of "+g.op, func() bool {
		missing = ""
		for _, fault := range g.faults {
			if len(g.s.struck(g.first, g.op, fault.name)) == 0 {
				missing += " " + fault.name
			}
		}
		return missing == ""
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

// Each fault strikes all creates on its key. Agents have the keys whose faults leave them free to try another camera to themselves, or
// that camera would be struck as well.
func TestCreateFaults(t *testing.T) {
	t.Parallel()
	groups := []string{"401 402 403 429-zero 429-seconds 429-hour 429-garbage 429-date", "500 501 502 504 hang slow huge malformed", "503", "409", "422"}
	var keys []string
	for i := range groups {
		keys = append(keys, fmt.Sprintf("well-%d", i))
	}
	s := startSimulatorWith(t, "yard=360p30", append(namesOf(apiFaults()), keys...), "--no-decode")
	g := besiege(s, "create", apiFaults())
	var labs []*lab
	for i, names := range groups {
		l := newLab(t, s, append(namesOf(faultsNamed(names)), keys[i])...)
		l.start()
		labs = append(labs, l)
	}
	var bystanders []*bystander
	for i, l := range labs {
		bystanders = append(bystanders, l.watchBystander(keys[i]))
	}
	g.waitStruck()
	g.last(time.Duration(scale(25, 240)) * time.Second)
	for _, b := range bystanders {
		b.check(t)
	}
	checkKeyStates(labs[0])
	checkBlocked(labs[1])
	g.end(t, map[string]float64{
		"401": 2, "402": 0.4, "403": 2, // probes
		"429-zero": 8, "429-garbage": 8, "429-seconds": 20, "429-date": 20, "429-hour": 0.2,
		"503": 3, "409": 3, // once more soon, and then each minute
		"422":   2,
		"other": 0.2, // what was made, if anything, lasts for five minutes
	})
	for key, most := range s.mostStreams() {
		if most > 1 {
			t.Errorf("key %s had %d streams at a time", key, most)
		}
	}
	for _, l := range labs {
		l.a.stop(syscall.SIGTERM)
	}
}

// checkKeyStates looks at what the board says of keys that are refused.
func checkKeyStates(l *lab) {
	l.t.Helper()
	for key, want := range map[string]string{
		"401": "refused", "402": "no_credit", "403": "refused", "429-zero": "full", "429-hour": "full", l.keys[len(l.keys)-1]: "ok",
	} {
		if state, _ := l.a.part("key "+key, "key"); state != want {
			l.t.Errorf("key %s is %q, want %q", key, state, want)
		}
	}
}

// checkBlocked looks whether the slots are taken by streams that may exist.
func checkBlocked(l *lab) {
	l.t.Helper()
	for _, key := range l.keys[:len(l.keys)-1] {
		if n := l.a.metric("overshoot_agent_slots_blocked", "key", key); n != 1 {
			l.t.Errorf("key %s has %v blocked slots, want 1", key, n)
		}
	}
}

// Each fault strikes a stream that is at work, first its keepalives, then the look at it after a rejoin, and then the questions about it.
func TestFaultsOfRunningStreams(t *testing.T) {
	t.Parallel()
	ttl := scale(24, 300)
	faults := apiFaults()
	keys := append(namesOf(faults), "well")
	s := startSimulatorWith(t, "yard=360p30", keys, "--no-decode", "--set", fmt.Sprintf("ttl_seconds=%d", ttl))
	l := newLab(t, s, keys...)
	l.start()
	streams := l.waitAsking(keys...)
	well := l.watchBystander("well")
	if len(streams) != len(keys) {
		t.Fatalf("%d streams for %d keys", len(streams), len(keys))
	}
	l.faultsOfKeepalives(faults, streams, ttl)
	l.faultsOfGets(faults)
	l.faultsOfChats(faults)
	well.check(t)
	l.a.stop(syscall.SIGTERM)
}

// faultsOfKeepalives shows that no stream is given up that can be kept.
func (l *lab) faultsOfKeepalives(faults []apiFault, streams map[string]string, ttl int) {
	t := l.t
	t.Helper()
	g := besiege(l.s, "keepalive", faults)
	g.waitStruck()
	if scale(0, 1) == 1 {
		g.last(4 * time.Minute)
	}
	perLease := 60 / float64(ttl)
	rare := 7 * perLease // by a sixth of the lease
	g.end(t, map[string]float64{"401": rare, "402": rare, "409": 45 * perLease, "422": rare, "429-hour": 0.2, "other": 45 * perLease})
	now := l.streams()
	for _, fault := range faults {
		// A 403 says that the stream is not ours any more; and who is told to be silent for an hour has to let the lease go.
		if fault.name != "403" && fault.name != "429-hour" && now[fault.name] != streams[fault.name] {
			t.Errorf("%s of keepalives: the stream is %q, want the old one, %s", fault.name, now[fault.name], streams[fault.name])
		}
	}
	l.waitAsking(namesBut(faults, "429-hour")...)
}

// faultsOfGets sends the publishers away, because a stream is looked at when pictures come again.
func (l *lab) faultsOfGets(faults []apiFault) {
	l.t.Helper()
	g := besiege(l.s, "get", faults)
	streams := l.streams()
	for _, fault := range faults {
		l.s.do(http.MethodPost, "/streams/"+streams[fault.name]+"/remove-publisher", "")
	}
	g.waitStruck()
	g.last(time.Duration(scale(10, 60)) * time.Second)
	g.end(l.t, map[string]float64{"401": 2, "402": 2, "403": 2, "422": 2, "429-hour": 0.2, "other": 60})
	l.waitAsking(namesBut(faults, "429-hour")...)
}

// faultsOfChats shows that nothing is asked again that would be refused again.
func (l *lab) faultsOfChats(faults []apiFault) {
	l.t.Helper()
	g := besiege(l.s, "chat", faults)
	g.waitStruck()
	g.last(time.Duration(scale(12, 240)) * time.Second)
	g.end(l.t, map[string]float64{"401": 0.2, "402": 0.4, "403": 0.2, "422": 0.2, "429-hour": 0.4, "503": 120, "other": 60})
	if scale(1, 0) == 1 { // later the pauses are longer than patience
		l.waitAsking(namesBut(faults, "401 402 403 422 429-hour")...)
	}
}

// namesBut returns the names of all faults but some.
func namesBut(faults []apiFault, but string) []string {
	return slices.DeleteFunc(namesOf(faults), func(name string) bool { return slices.Contains(strings.Fields(but), name) })
}

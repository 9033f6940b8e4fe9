package integration

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

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
	g.last(time.Duration(scale(18, 240)) * time.Second)
	for _, b := range bystanders {
		b.check(t)
	}
	checkKeyStates(labs[0])
	waitBlocked(labs[1])
	// What was made, if anything, lasts for five minutes, and what is known to have failed is tried once more soon and then each minute.
	forgotten, probes, again := limit{1, 0.2}, limit{1, 2}, limit{2, 1.2}
	g.end(t, forgotten, map[string]limit{
		"401": probes, "402": {1, 0.4}, "403": probes,
		"429-zero": {1, 8}, "429-garbage": {1, 8}, "429-seconds": {1, 20}, "429-date": {1, 20}, "429-hour": {1, 0.2},
		"503": again, "409": {6, 3.6}, // a region that is wrong is tried in three ways
		"422": {1, 1},
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

// waitBlocked blocks until the slots are taken by streams that may exist. Some creates take their time to fail.
func waitBlocked(l *lab) {
	l.t.Helper()
	for _, key := range l.keys[:len(l.keys)-1] {
		eventually(l.t, "a slot of key "+key+" is blocked", func() bool {
			return l.a.metric("overshoot_agent_slots_blocked", "key", key) == 1
		})
	}
}

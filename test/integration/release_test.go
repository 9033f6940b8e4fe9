package integration

import (
	"net/http"
	"slices"
	"syscall"
	"testing"
)

// What comes instead of an answer to DELETE when the agent stops. It is gone in time all the same; what passes is tried again, and what
// does not is left to the next start, which goes on with it.
func TestDeleteFaults(t *testing.T) {
	t.Parallel()
	once, ever := `"times":1,`, `"times":-1,`
	rules := map[string]string{
		"500": once + `"status":500`, "503": once + `"status":503`,
		"429": once + `"status":429,"headers":{"Retry-After":"0"}`, "cut": once + `"hangup":true`,
		"401": ever + `"status":401`, "402": ever + `"status":402`, "hang": ever + `"hang":true`,
		"422": ever + `"status":422`,
	}
	passing, lasting := []string{"500", "503", "429", "cut"}, []string{"401", "402", "422", "hang"}
	keys := slices.Concat(passing, lasting)
	s := startSimulatorWith(t, "yard=360p30", keys, "--no-decode")
	l := newLab(t, s, keys...)
	l.start()
	before := l.waitAsking(keys...)
	first := s.lastCall()
	for key, rule := range rules {
		s.fault("delete", key, rule)
	}
	l.a.stop(syscall.SIGTERM)

	left := l.streams()
	deletes := map[string]int{}
	for _, c := range s.callsSince(first) {
		if c.Op == "delete" {
			deletes[c.Key]++
		}
	}
	t.Logf("calls of delete: %v", deletes)
	for _, key := range passing {
		if left[key] != "" {
			t.Errorf("%s: the stream was not deleted", key)
		}
	}
	for key, n := range deletes {
		if n > 12 {
			t.Errorf("%s: delete was called %d times", key, n)
		}
	}
	s.do(http.MethodDelete, "/faults", "")
	l.start()
	after := l.waitAsking(keys...)
	for _, key := range lasting {
		if after[key] != before[key] {
			t.Errorf("%s: the stream is %s, want the one that was left, %s", key, after[key], before[key])
		}
	}
	l.a.stop(syscall.SIGTERM)
}

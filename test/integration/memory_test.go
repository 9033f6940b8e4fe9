package integration

import (
	"fmt"
	"syscall"
	"testing"
	"time"
)

// Answers that are huge, slow, broken or absent do not cost memory that stays. The agent is the one that is shipped: the race detector's
// has another memory.
func TestMemoryUnderFaults(t *testing.T) {
	t.Parallel()
	bad := []string{"bad-1", "bad-2", "bad-3", "bad-4"}
	s := startSimulatorWith(t, "yard=360p30", append(bad, "well"), "--no-decode", "--set", "ttl_seconds=12")
	l := newLab(t, s, append(bad, "well")...)
	l.startProgram(program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent"))
	l.waitAsking(l.keys...)
	well := l.watchBystander("well")
	quiet := l.mostMemory(time.Duration(scale(10, 30)) * time.Second)

	first := s.lastCall()
	for i, rule := range []string{
		`"body_bytes":104857600`, `"status":500,"body_bytes":104857600`, `"slow_loris":20`, `"hang":true`, `"truncate_body_bytes":10`,
		`"status":200,"body":"{\"choices\": [nobody,"`, `"status":502,"body":"<html>bad gateway</html>"`, `"hangup":true`,
	} {
		for _, op := range []string{"chat", "keepalive", "get"} {
			for _, key := range bad {
				s.fault(op, key, fmt.Sprintf(`"times":-1,"probability":0.08,"seed":%d,%s`, i, rule))
			}
		}
	}
	stormy := l.mostMemory(time.Duration(scale(15, 180)) * time.Second)
	struck := map[string]int{}
	for _, c := range s.callsSince(first) {
		if c.Fault != "" {
			struck[c.Op]++
		}
	}
	t.Logf("memory: %.1f MB, under faults %.1f MB; calls struck: %v", quiet, stormy, struck)
	if stormy-quiet > 10 {
		t.Errorf("it grew by %.1f MB", stormy-quiet)
	}
	well.check(t)
	l.a.stop(syscall.SIGTERM)
}

// mostMemory watches the agent for a while and returns the most resident memory that it had, in MB.
func (l *lab) mostMemory(d time.Duration) (most float64) {
	l.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		most = max(most, l.a.metric("process_resident_memory_bytes")/1e6)
	}
	return most
}

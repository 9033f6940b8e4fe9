package integration

import (
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The file of a key is replaced after the service has refused the key: first while its stream is at work, then while it has none.
func TestRefusedKeyIsReplaced(t *testing.T) {
	t.Parallel()
	s := startSimulatorWith(t, "yard=360p30", []string{"old", "new,user=old", "newer,user=old", "well"}, "--no-decode")
	l := newLab(t, s, "old", "well")
	l.start()
	stream := l.waitAsking("old", "well")["old"]
	well := l.watchBystander("well")

	t.Run("stream at work", func(t *testing.T) {
		s.do(http.MethodPut, "/keys/old", `{"revoked":true}`)
		first := s.lastCall()
		s.do(http.MethodPost, "/streams/"+stream+"/remove-publisher", "") // so that all kinds of calls are made
		l.checkRefused(t, first, "old")
		l.putKey("old", "new")
		l.waitReplaced(t, stream)
		if got := l.byKey("new", "old"); got != stream {
			t.Errorf("the stream is %s, want the old one, %s", got, stream)
		}
	})
	t.Run("no stream", func(t *testing.T) {
		s.do(http.MethodPut, "/keys/new", `{"revoked":true}`)
		first := s.lastCall()
		s.do(http.MethodPost, "/streams/"+stream+"/expire", "")
		l.checkRefused(t, first, "new")
		l.putKey("old", "newer")
		l.waitReplaced(t, "")
	})
	well.check(t)
	l.a.stop(syscall.SIGTERM)
}

// checkRefused watches for a while what is sent with a key that is refused.
func (l *lab) checkRefused(t *testing.T, first int64, key string) {
	t.Helper()
	start := time.Now()
	eventually(t, "a call is refused", func() bool { return len(l.refusals(first, key)) > 0 })
	time.Sleep(time.Duration(scale(10, 120)) * time.Second)
	refused := l.refusals(first, key)
	took := time.Since(start)
	t.Logf("calls refused with 401 in %v: %v", took.Round(time.Second), refused)
	for op, n := range refused {
		if float64(n) > 1+2*took.Minutes() {
			t.Errorf("%s was refused %d times in %v", op, n, took.Round(time.Second))
		}
	}
}

// refusals counts the calls with a key that were answered with 401.
func (l *lab) refusals(first int64, key string) map[string]int {
	l.t.Helper()
	n := map[string]int{}
	for _, c := range l.s.callsSince(first) {
		if c.Key == key && c.Status == http.StatusUnauthorized {
			n[c.Op]++
		}
	}
	return n
}

// waitReplaced blocks until there are results again, about this stream if one is given.
func (l *lab) waitReplaced(t *testing.T, stream string) {
	t.Helper()
	replaced, before := time.Now(), l.results()
	eventually(t, "results again", func() bool {
		now := l.results()
		for _, key := range []string{"old", "new", "newer"} {
			if id := l.byKey(key); id != "" && (stream == "" || id == stream) && now[id] > before[id] {
				return true
			}
		}
		return false
	})
	t.Logf("results again %v after the key was replaced", time.Since(replaced).Round(10*time.Millisecond))
}

// byKey returns the active stream that was made with one of the simulator's keys.
func (l *lab) byKey(keys ...string) string {
	l.t.Helper()
	for _, stream := range l.s.activeByID() {
		for _, key := range keys {
			if stream.Key == key {
				return stream.ID
			}
		}
	}
	return ""
}

// The service wants the stream in another region than the one that the request came to. All calls about it must go there.
func TestRegionIsLearnt(t *testing.T) {
	t.Parallel()
	const there = "us-west1"
	s := startSimulatorWith(t, "yard=360p30", []string{"main"}, "--no-decode", "--set", "missing_region=409", "--set", "ttl_seconds=6")
	s.do(http.MethodPost, "/faults", `{"op":"create","status":409,"body":{"detail":{"error":"region_error","expected_region":"`+there+`","requested_region":null}}}`)
	l := newLab(t, s, "main")
	l.start()
	stream := l.waitAsking("main")["main"]
	eventually(t, "a keepalive", func() bool { return len(s.calls("keepalive")) > 0 })
	l.a.stop(syscall.SIGTERM)

	if creates := s.calls("create"); len(creates) != 2 || creates[0].Status != http.StatusConflict || creates[1].Region != there {
		t.Errorf("creates: %+v", creates)
	}
	seen := map[string]int{}
	for _, c := range s.callsSince(0) {
		if c.Stream != stream {
			continue
		}
		seen[c.Op]++
		if c.Region != there || c.Status >= http.StatusBadRequest {
			t.Errorf("%s went to region %q and was answered with %d", c.Op, c.Region, c.Status)
		}
	}
	for _, op := range []string{"get", "keepalive", "chat", "delete"} {
		if seen[op] == 0 {
			t.Errorf("there was no %s", op)
		}
	}
}

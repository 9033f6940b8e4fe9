package integration

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The file of a key is replaced after the service has refused the key, at different moments of a stream's life.
func TestRefusedKeyIsReplaced(t *testing.T) {
	t.Parallel()
	s := startSimulatorWith(t, "yard=360p30", []string{"key-0", "key-1,user=key-0", "key-2,user=key-0", "key-3,user=key-0", "well"}, "--no-decode")
	l := newLab(t, s, "key-0", "well")
	l.start()
	stream := l.waitAsking("key-0", "well")["key-0"]
	well := l.watchBystander("well")

	moments := []struct{ name, action string }{{"asking", ""}, {"rejoining", "remove-publisher"}, {"ended", "expire"}}
	for i, c := range moments[:scale(1, len(moments))] {
		t.Run(c.name, func(t *testing.T) {
			first, old, next := s.lastCall(), fmt.Sprintf("key-%d", i), fmt.Sprintf("key-%d", i+1)
			s.do(http.MethodPut, "/keys/"+old, `{"revoked":true}`)
			if c.action != "" {
				s.do(http.MethodPost, "/streams/"+stream+"/"+c.action, "")
			}
			l.checkRefused(t, first, old)
			l.putKey("key-0", next)
			if now := l.waitResults(t); now != stream && c.action != "expire" {
				t.Errorf("the stream is %s, want the old one, %s", now, stream)
			}
		})
	}
	well.check(t)
	l.a.stop(syscall.SIGTERM)
}

// checkRefused watches for a while what is sent with a key that is refused.
func (l *lab) checkRefused(t *testing.T, first int64, key string) {
	t.Helper()
	start := time.Now()
	eventually(t, "a call is refused", func() bool { return len(l.refusals(first, key)) > 0 })
	time.Sleep(time.Duration(scale(6, 120)) * time.Second)
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

// waitResults blocks until there are results again about the stream that is not the bystander's, and returns its id.
func (l *lab) waitResults(t *testing.T) (stream string) {
	t.Helper()
	replaced, before := time.Now(), l.results()
	within(t, 2*patience, "results with the new key", func() bool { // a lease of 300 s hears of it after 50 s
		now := l.results()
		for id, active := range l.s.activeByID() {
			if active.Key != "well" && now[id] > before[id] {
				stream = id
				return true
			}
		}
		return false
	})
	t.Logf("results again %v after the key was replaced", time.Since(replaced).Round(10*time.Millisecond))
	return stream
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

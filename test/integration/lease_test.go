package integration

import (
	"net/http"
	"slices"
	"testing"
	"time"
)

// shortLease makes leases so short that a test lives to see them end: a keepalive comes every two seconds.
var shortLease = []string{"--set", "ttl_seconds=6", "--no-decode"}

// Six of ten keepalives fail, in three ways. The tries are so many that the lease lasts all the same.
func TestLeaseOutlivesFailingKeepalives(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, shortLease...)
	a := f.start()
	held := f.waitHeld(a, 3)
	first := f.s.lastCall()
	for _, rule := range []string{ // .25, .25 of all and .1 of all
		`{"op":"keepalive","times":-1,"status":503,"probability":0.25,"seed":1}`,
		`{"op":"keepalive","times":-1,"status":500,"probability":0.3333,"seed":2}`,
		`{"op":"keepalive","times":-1,"hangup":true,"probability":0.2,"seed":3}`,
	} {
		f.s.do(http.MethodPost, "/faults", rule)
	}
	time.Sleep(time.Duration(scale(45, 180)) * time.Second)

	f.s.do(http.MethodDelete, "/faults", "")
	sent, failed := 0, 0
	for _, c := range f.s.callsSince(first) {
		if c.Op == "keepalive" {
			sent++
			if c.Status != http.StatusOK {
				failed++
			}
		}
	}
	if failed < sent/2 {
		t.Errorf("only %d of %d keepalives failed", failed, sent)
	}
	lost := checkSameStreams(a, held)
	f.checkNoOrphans(held)
	a.waitEvents("cam-1/counter", 2)
	t.Logf("%d keepalives, %d of them failed, %v leases lost", sent, failed, lost)
	checkEndOf(a, f.s)
}

// checkSameStreams fails the test unless the agent has held these streams all the time, and returns how many it lost.
func checkSameStreams(a *agent, held map[string]string) (lost float64) {
	a.t.Helper()
	var now map[string]string
	eventually(a.t, "all leases are active", func() bool {
		now = a.held()
		return len(now) == len(held)
	})
	for camera, id := range held {
		lost += a.metric("overshoot_agent_stream_lost_total", "camera", camera)
		if now[camera] != id {
			a.t.Errorf("%s has stream %q, want the old one, %s", camera, now[camera], id)
		}
	}
	if lost > 0 {
		a.t.Errorf("%v streams were lost", lost)
	}
	return lost
}

// The service ends streams of its own accord. Each camera has a new one as soon as somebody tells the agent, and the questions go on.
func TestStreamEndsAtTheService(t *testing.T) {
	t.Parallel()
	f := newFleet(t, scale(2, 4), shortLease...)
	a := f.start()
	var created, asked durations
	for range scale(2, 10) {
		first := f.s.lastCall()
		held := f.waitHeld(a, len(f.cameras))
		f.waitRenewed(first, held) // one that is lost before does not count as a success, and the next has to wait
		for _, id := range held {
			f.s.do(http.MethodPost, "/streams/"+id+"/expire", "")
		}
		next := f.waitReplaced(a, held)
		for camera, id := range held {
			a.waitEventsOf(camera+"/counter", next[camera])
			told := f.firstCall(first, id, func(c call) bool { return c.Status == http.StatusNotFound })
			made := f.firstCall(first, next[camera], func(c call) bool { return c.Op == "create" })
			question := f.firstCall(first, next[camera], func(c call) bool { return c.Op == "chat" })
			created = append(created, made.Sub(told))
			asked = append(asked, question.Sub(told))
		}
	}
	created.report(t, "new stream after the 404", 2*time.Second)
	asked.report(t, "first question about it", 4*time.Second)
	checkEndOf(a, f.s)
}

// The service does not answer keepalives for longer than a lease lasts. Nobody is told of the end, so the agent has to ask.
func TestKeepalivesFailUntilTheLeaseIsOver(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 2, shortLease...)
	a := f.start()
	held := f.waitHeld(a, 2)
	first := f.s.lastCall()
	f.s.do(http.MethodPost, "/faults", `{"op":"keepalive","times":-1,"status":503}`)
	next := f.waitReplaced(a, held)
	f.s.do(http.MethodDelete, "/faults", "")
	for camera := range held {
		a.waitEventsOf(camera+"/counter", next[camera])
	}
	if n := count(f.s.callsSince(first), "create"); n > 4 {
		t.Errorf("%d streams were made for 2 cameras", n)
	}
	checkEndOf(a, f.s)
}

// waitRenewed blocks until each of the streams has had a keepalive after call first.
func (f *fleet) waitRenewed(first int64, held map[string]string) {
	f.t.Helper()
	eventually(f.t, "each stream is renewed", func() bool {
		renewed := map[string]bool{}
		for _, c := range f.s.callsSince(first) {
			if c.Op == "keepalive" && c.Status == http.StatusOK {
				renewed[c.Stream] = true
			}
		}
		for _, id := range held {
			if !renewed[id] {
				return false
			}
		}
		return true
	})
}

// waitReplaced blocks until the agent holds other streams for all of these cameras, and returns them.
func (f *fleet) waitReplaced(a *agent, held map[string]string) (next map[string]string) {
	f.t.Helper()
	eventually(f.t, "the cameras have new streams", func() bool {
		next = a.held()
		for camera, id := range held {
			if next[camera] == "" || next[camera] == id {
				return false
			}
		}
		return true
	})
	return next
}

// waitEventsOf blocks until there is a result about this stream.
func (a *agent) waitEventsOf(subject, stream string) {
	a.t.Helper()
	eventually(a.t, "a result of "+subject+" about stream "+stream, func() bool {
		return slices.ContainsFunc(a.events(subject), func(e event) bool { return e.Data.StreamID == stream })
	})
}

// firstCall returns when the first call about a stream came that matches.
func (f *fleet) firstCall(since int64, stream string, matches func(call) bool) time.Time {
	f.t.Helper()
	calls := f.s.callsSince(since)
	at := slices.IndexFunc(calls, func(c call) bool { return c.Stream == stream && matches(c) })
	if at < 0 {
		f.t.Fatalf("stream %s had no such call", stream)
	}
	return calls[at].At
}

// count counts the calls of one kind.
func count(calls []call, op string) (n int) {
	for _, c := range calls {
		if c.Op == op {
			n++
		}
	}
	return n
}

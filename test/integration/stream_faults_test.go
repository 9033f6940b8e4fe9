package integration

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// Each fault strikes a stream that is at work, first its keepalives, then the look at it after a rejoin, and then the questions about it.
func TestFaultsOfRunningStreams(t *testing.T) {
	t.Parallel()
	ttl := scale(18, 300)
	keys := append(namesOf(faultsOf("keepalive")), "429-hour-get", "429-hour-chat", "well")
	s := startSimulatorWith(t, "yard=360p30", keys, "--no-decode", "--set", fmt.Sprintf("ttl_seconds=%d", ttl))
	l := newLab(t, s, keys...)
	l.start()
	streams := l.waitAsking(keys...)
	well := l.watchBystander("well")
	l.faultsOfKeepalives(streams, ttl)
	l.faultsOfGets()
	l.faultsOfChats()
	well.check(t)
	l.a.stop(syscall.SIGTERM)
}

// faultsOfKeepalives shows that no stream is given up that can be kept.
func (l *lab) faultsOfKeepalives(streams map[string]string, ttl int) {
	t, faults := l.t, faultsOf("keepalive")
	t.Helper()
	g := besiege(l.s, "keepalive", faults)
	g.last(time.Duration(scale(6, 240)) * time.Second) // the first of the long leases is renewed after 100 s
	g.waitStruck()
	perLease := 60 / float64(ttl)
	rare := limit{1, 7 * perLease} // a sixth of the lease between them
	g.end(t, limit{3, 45 * perLease}, map[string]limit{"401": rare, "402": rare, "409": {9, 135 * perLease}, "422": rare, "429-hour-keepalive": {1, 0.2}})
	now := l.streams()
	for _, fault := range faults {
		// A 403 says that the stream is not ours any more; and who is told to be silent for an hour has to let the lease go.
		if fault.name != "403" && fault.name != "429-hour-keepalive" && now[fault.name] != streams[fault.name] {
			t.Errorf("%s of keepalives: the stream is %q, want the old one, %s", fault.name, now[fault.name], streams[fault.name])
		}
	}
	l.waitAsking(namesBut(faults, "429-hour-keepalive")...)
}

// faultsOfGets sends the publishers away, because a stream is looked at when pictures come again.
func (l *lab) faultsOfGets() {
	l.t.Helper()
	faults := faultsOf("get")
	g := besiege(l.s, "get", faults)
	streams := l.streams()
	for _, fault := range faults {
		l.s.do(http.MethodPost, "/streams/"+streams[fault.name]+"/remove-publisher", "")
	}
	g.waitStruck()
	g.last(time.Duration(scale(7, 60)) * time.Second)
	rare := limit{2, 2} // a machine that is busy may lose a publisher on its own
	g.end(l.t, limit{21, 13}, map[string]limit{"401": rare, "402": rare, "409": {63, 39}, "422": rare, "429-hour-get": {1, 0.2}})
	l.waitAsking(namesBut(faults, "429-hour-get")...)
}

// faultsOfChats shows that nothing is asked again that would be refused again.
func (l *lab) faultsOfChats() {
	l.t.Helper()
	faults := faultsOf("chat")
	g := besiege(l.s, "chat", faults)
	g.waitStruck()
	g.last(time.Duration(scale(8, 240)) * time.Second)
	rare := limit{1, 0.2}
	g.end(l.t, limit{4, 20}, map[string]limit{"401": rare, "402": rare, "403": rare, "409": {12, 60}, "422": rare, "429-hour-chat": rare, "503": {8, 40}})
	if scale(1, 0) == 1 { // later the pauses are longer than patience
		l.waitAsking(namesBut(faults, "401 402 403 422 429-hour-chat")...)
	}
}

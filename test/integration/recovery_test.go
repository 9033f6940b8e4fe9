package integration

import (
	"net/http"
	"syscall"
	"testing"
)

// What goes wrong between agent and service, one after the other in the same run.
func TestPublisherComesBack(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30")
	a := startAgent(t, s, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch)
	a.waitEvents("yard/counter", 2)
	stream := s.active().ID

	control := func(action string) func() {
		return func() { s.do(http.MethodPost, "/streams/"+stream+"/"+action, "") }
	}
	t.Run("lease lost", func(t *testing.T) {
		a := a.in(t)
		control("expire")()
		eventually(t, "results about a new stream", func() bool {
			events := a.events("yard/counter")
			return events[len(events)-1].Data.StreamID != stream
		})
		a.waitEvents("yard/counter", 2)
		if got := s.active().ID; got == stream {
			t.Error("the stream is still the old one")
		}
	})
	stream = s.active().ID
	for _, c := range []struct {
		name  string
		cause func()
	}{
		{"sent away", control("remove-publisher")},
		{"room deleted", control("delete-room")},
		{"sent away with a void token", func() { control("void-tokens")(); control("remove-publisher")() }},
		{"media server killed", func() {
			s.do(http.MethodPost, "/livekit/kill", "")
			a.waitPart("yard", "publisher", "failed") // longer than LiveKit's SDK mends by itself
			s.do(http.MethodPost, "/livekit/restart", "")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := a.in(t)
			before := a.metric("overshoot_agent_publish_reconnects_total", "camera", "yard")
			c.cause()
			eventually(t, "the publisher notices", func() bool {
				return a.metric("overshoot_agent_publish_reconnects_total", "camera", "yard") > before
			})
			a.waitPart("yard", "publisher", "live")
			a.waitEvents("yard/counter", 3)
			if got := s.active().ID; got != stream {
				t.Errorf("the stream is %s, want the old one, %s", got, stream)
			}
		})
	}
	t.Run("media server restarted at once", func(t *testing.T) {
		a := a.in(t)
		before := s.active().Media.Joins
		s.do(http.MethodPost, "/livekit/restart", "") // LiveKit's SDK may mend this by itself
		eventually(t, "the media gateway is back in the room with new pictures", func() bool {
			now := s.active()
			return now.Media.Joins > before && now.Publisher
		})
		a.waitEvents("yard/counter", 4)
		a.waitPart("yard", "publisher", "live")
		if got := s.active().ID; got != stream {
			t.Errorf("the stream is %s, want the old one, %s", got, stream)
		}
	})
	checkEndOf(a, s)
}

// Nobody answers at the address of the room. LiveKit's SDK then speaks in the words of the network, request and all, of which versions of it
// made the token a part.
func TestRoomOutOfReach(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30")
	s.recorder.moveRoom("ws://" + closedPort(t))
	a := startAgent(t, s, s.lockedCamera("yard", s.secrets.password, "counter"), counterWatch)
	a.waitTrouble("yard", "publisher", "joining the room", "connection refused")
	a.get("/status")
	if n := len(s.calls("chat")); n > 0 {
		t.Errorf("%d questions were asked about a stream without pictures", n)
	}
	a.stop(syscall.SIGTERM)
	checkReleased(t, s)
	s.recorder.check(t)
}

// checkEndOf stops an agent and checks what must hold of every run.
func checkEndOf(a *agent, s *simulator) {
	a.t.Helper()
	a.stop(syscall.SIGTERM)
	a.checkEvents()
	s.recorder.check(a.t)
	checkFresh(a.t, s)
	for _, stream := range s.streams() {
		if stream.State != "ended" {
			a.t.Errorf("not released: %+v", stream)
		}
	}
}

// Two cameras, so that the one that is well proves that time passed for the other.
func TestCameraComesBack(t *testing.T) {
	t.Parallel()
	s := startSimulator(t, "yard=360p30,gate=360p30")
	a := startAgent(t, s, s.lockedCamera("yard", s.secrets.password, "counter")+s.camera("gate", "counter"), counterWatch)
	a.waitEvents("gate/counter", 2)
	a.waitEvents("yard/counter", 2)
	stream := a.events("yard/counter")[0].Data.StreamID

	for _, c := range []struct{ name, lost, back, reason string }{
		{"stalled", "stall", "resume", "stalled"},
		{"switched off", "down", "up", "busy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := a.in(t)
			s.do(http.MethodPost, "/cameras/yard/"+c.lost, "")
			a.waitPart("yard", "watch counter", "blind")
			asked := chatsAbout(s, stream)
			a.waitEvents("gate/counter", 6)
			if got := chatsAbout(s, stream); got != asked {
				t.Errorf("asked %d times about a camera without pictures", got-asked)
			}
			eventually(t, "the agent gives the reason "+c.reason, func() bool {
				return a.metric("overshoot_agent_camera_reconnects_total", "camera", "yard", "reason", c.reason) > 0
			})
			s.do(http.MethodPost, "/cameras/yard/"+c.back, "")
			a.waitEvents("yard/counter", 2)
		})
	}
	t.Run("hung up", func(t *testing.T) {
		a := a.in(t)
		before := len(a.log())
		s.do(http.MethodPost, "/cameras/yard/disconnect", "")
		eventually(t, "the source notices", func() bool {
			for _, line := range a.log()[before:] {
				if line.Unit == "yard" && line.Part == "source" && line.State == "failed" {
					return true
				}
			}
			return false
		})
		a.waitPart("yard", "source", "live")
		a.waitEvents("yard/counter", 2)
	})
	for _, e := range a.events("yard/counter") {
		if e.Data.StreamID != stream {
			t.Fatal("the stream did not outlive the camera's trouble")
		}
	}
	checkEndOf(a, s)
}

// checkFresh looks at what all answers were made from. Trouble is noticed by and by, so they may be older than in quiet times, but nobody
// pays for looking at the same picture for long. Counters start anew after twenty seconds, which is longer than any trouble here goes unnoticed.
func checkFresh(t *testing.T, s *simulator) {
	t.Helper()
	const limit = 120
	for _, c := range s.calls("chat") {
		if c.Status != http.StatusOK || len(c.Chat.Counters) == 0 || c.Chat.LiveCounter < 0 {
			continue
		}
		newest := c.Chat.Counters[len(c.Chat.Counters)-1]
		if age := behind(newest, c.Chat.LiveCounter); age > limit {
			t.Errorf("question %d was answered from a picture %d frames behind the camera", c.N, age)
		}
	}
}

// behind says how many frames a picture is older than where the camera was when the question arrived. The service looks a moment later, so a
// picture may also be newer, by some frames: that is less than nothing, not a whole turn of the counter.
func behind(newest, live int) int {
	const period, ahead = 600, 60
	return (live-newest+ahead+period)%period - ahead
}

func chatsAbout(s *simulator, stream string) (n int) {
	for _, c := range s.calls("chat") {
		if c.Stream == stream {
			n++
		}
	}
	return n
}

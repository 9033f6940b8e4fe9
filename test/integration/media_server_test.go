package integration

import (
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"
)

// The media server dies, or stands still with its sockets open, which nobody is told. The streams outlive both, and pictures arrive
// again when it is back.
func TestMediaServerGoesAndComesBack(t *testing.T) {
	t.Parallel()
	f := newFleet(t, scale(2, 4), "--no-decode")
	a := f.start()
	held := f.waitHeld(a, len(f.cameras))
	ids := slices.Collect(maps.Values(held))
	f.s.steadyAfter(time.Now(), ids...)
	for _, c := range []struct {
		name, goes, comes string
		away              time.Duration
		rounds            int
	}{
		{"killed for a moment", "kill", "restart", 5 * time.Second, scale(1, 10)},
		{"killed for long", "kill", "restart", 2 * time.Minute, scale(0, 2)},
		{"frozen", "pause", "resume", time.Duration(scale(12, 30)) * time.Second, scale(1, 4)},
	} {
		var back durations
		for round := range c.rounds {
			if round > 0 {
				f.settle(a)
			}
			f.s.do(http.MethodPost, "/livekit/"+c.goes, "")
			time.Sleep(c.away)
			f.s.do(http.MethodPost, "/livekit/"+c.comes, "")
			for _, took := range f.s.steadyAfter(time.Now(), ids...) {
				back = append(back, took.pictures)
			}
			t.Logf("%s, away for %v: %v", c.name, c.away, back[len(back)-len(ids):])
		}
		if c.rounds > 0 {
			back.report(t, "media server "+c.name+", pictures arrive again after", 3*time.Second)
		}
	}
	for camera := range held {
		a.waitPart(camera, "publisher", "live")
		a.waitEvents(camera+"/counter", 2)
	}
	checkSameStreams(a, held)
	f.checkNoOrphans(held)
	checkEndOf(a, f.s)
}

// Publishers are sent away in all ways that the service has, and are back in the room of the same stream.
func TestPublishersRejoin(t *testing.T) {
	t.Parallel()
	f := newFleet(t, 3, "--no-decode", "--set", "ttl_seconds=30")
	a := f.start()
	held := f.waitHeld(a, len(f.cameras))
	f.s.steadyAfter(time.Now(), slices.Collect(maps.Values(held))...)
	causes := []struct {
		name    string
		actions []string
	}{
		{"sent away", []string{"remove-publisher"}},
		{"room deleted", []string{"delete-room"}},
		{"token void", []string{"void-tokens", "remove-publisher"}},
	}
	joined, back := map[string]durations{}, map[string]durations{}
	note := func(cause string, took comeback) {
		joined[cause], back[cause] = append(joined[cause], took.publisher), append(back[cause], took.pictures)
	}
	for round := range scale(1, 10) {
		actions := map[string][]string{} // by camera
		for i, c := range f.cameras {
			actions[c.name] = causes[(i+round)%len(causes)].actions
		}
		f.settle(a)
		took := f.sendAway(a, held, actions)
		for i, c := range f.cameras {
			note(causes[(i+round)%len(causes)].name, took[held[c.name]])
		}
	}
	f.s.do(http.MethodPut, "/switches", `{"publish_token_seconds":1}`)
	for range scale(1, 5) {
		actions := map[string][]string{}
		for _, c := range f.cameras {
			actions[c.name] = []string{"remove-publisher"}
		}
		f.settle(a) // a keepalive comes meanwhile, and with it a token of such short life
		f.s.do(http.MethodPost, "/faults", `{"op":"keepalive","times":-1,"status":503}`)
		time.Sleep(1100 * time.Millisecond)
		for _, took := range f.sendAway(a, held, actions) {
			note("token expired", took)
		}
	}
	for cause := range back {
		joined[cause].report(t, cause+", in the room again after", 2*time.Second)
		back[cause].report(t, cause+", pictures arrive again after", 3*time.Second)
	}
	checkSameStreams(a, held)
	f.checkNoOrphans(held)
	checkEndOf(a, f.s)
}

// settle waits until all publishers have been in their rooms for so long that what happened earlier does not count any more: who is sent
// away again and again comes back later and later.
func (f *fleet) settle(a *agent) {
	f.t.Helper()
	for _, c := range f.cameras {
		a.waitPart(c.name, "publisher", "live")
	}
	time.Sleep(11 * time.Second)
}

// sendAway does something to each stream that ends the stay of its publisher, ends all faults, and returns by stream how it came back.
func (f *fleet) sendAway(a *agent, held map[string]string, actions map[string][]string) map[string]comeback {
	f.t.Helper()
	stays := func(camera string) float64 {
		return a.metric("overshoot_agent_publish_reconnects_total", "camera", camera)
	}
	before := map[string]float64{}
	for camera := range actions {
		before[camera] = stays(camera)
	}
	start := time.Now()
	for camera, list := range actions {
		for _, action := range list {
			f.s.do(http.MethodPost, "/streams/"+held[camera]+"/"+action, "")
		}
	}
	f.s.do(http.MethodDelete, "/faults", "")
	took := f.s.steadyAfter(start, slices.Collect(maps.Values(held))...)
	for camera := range actions {
		if stays(camera) == before[camera] {
			f.t.Errorf("%s: the publisher noticed nothing of %v", camera, actions[camera])
		}
	}
	return took
}

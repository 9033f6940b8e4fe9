package integration

import (
	"net/http"
	"testing"
	"time"
)

// Two cameras drop their connection every ten seconds, and two fall silent with it open. One of each begins every session with a key frame, as
// if it waited for its viewer; the other goes on in the middle of a group of pictures, and up to its next key frame, which is up to a second
// away, no picture can be shown.
//
// Not parallel: lost pictures are counted here, and nobody else's load should be paid for.
func TestCamerasThatDropAndFallSilent(t *testing.T) {
	z := newZoo(t, "dropping=360p30:gop=1:drop=10s,dropping-groups=360p30:drop=10s,silent=360p30:gop=1,silent-groups=360p30")
	names := []string{"dropping", "dropping-groups", "silent", "silent-groups"}
	z.start()
	z.waitResults(2, names...)
	streams := z.waitStreams(names...)
	before := z.s.camerasNow()
	first := map[string]int64{}
	for _, name := range names {
		first[name] = z.s.newest(streams[name]).Index
	}
	z.waitSent("dropping", before["dropping"].Frames+30)
	silences := scale(1, 3)
	for i := range silences {
		for _, name := range names[2:] {
			z.s.do(http.MethodPost, "/cameras/"+name+"/silence", "")
		}
		z.waitSent("dropping", before["dropping"].Frames+(i+1)*scale(660, 1200)/silences)
	}
	z.waitResults(2, names...)
	for _, name := range names {
		flow, plays := flowOf(z.s.pictures(streams[name], first[name])), z.s.camerasNow()[name].Plays-before[name].Plays
		t.Logf("%s: %v; %d new sessions", name, flow, plays)
		if flow.arrived < flow.lost || flow.illegible > 0 {
			t.Errorf("%s: %v", name, flow)
		}
		if most := scale(660, 1200)/300 + 2; plays == 0 || plays > most {
			t.Errorf("%s: %d new sessions, want 1 to %d", name, plays, most)
		}
	}
	z.checkDecoded(streams)
	z.checkSame(streams)
	z.end()
}

// waitSent blocks until a camera has sent so many pictures, seen or not.
func (z *zoo) waitSent(name string, frames int) {
	z.t.Helper()
	within(z.t, 5*time.Minute, name+" sends pictures", func() bool { return z.s.camerasNow()[name].Frames >= frames })
}

// checkDecoded fails the test where a picture arrived at the service that could not be decoded.
func (z *zoo) checkDecoded(streams map[string]string) {
	z.t.Helper()
	active := z.s.activeByID()
	for name, id := range streams {
		if media := active[id].Media; media.DecodeErrors > 0 || media.UnreadCounters > 0 {
			z.t.Errorf("%s: pictures arrived that nobody can decode: %+v", name, media)
		}
	}
}

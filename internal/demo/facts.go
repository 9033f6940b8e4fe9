package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// facts are all that was seen of the demo so far: what the agent wrote and says, and what the service saw. One goroutine uses them.
type facts struct {
	agentURL, controlURL string // of the status page and of the control interface
	results              *tail

	began   time.Time // the demo
	cameras []testCamera
	units   []status.Unit
	streams map[string]stream // by id, also those that have ended
	calls   map[string][]call // answered chats, by stream
	records []*record         // in the order of the result file
	seen    int64             // number of the last call
	changes []string          // of states, found by the last look
}

// A record is a result and what the judge thinks of it.
type record struct {
	answer
	arrived time.Time // when we saw it
	call    *call     // that the service answered with it; nil: not found yet
	gap     int       // pictures between the newest one answered from and the live edge; -1: not known
	wrong   string    // what is wrong with it; empty: nothing, as far as we know
}

func newFacts(agentURL, controlURL, results string, began time.Time) *facts {
	return &facts{
		agentURL: agentURL, controlURL: controlURL, results: tailOf(results), began: began,
		streams: map[string]stream{}, calls: map[string][]call{},
	}
}

// gather looks at everything once. Results come before calls: so the call of each result is there already.
func (f *facts) gather(ctx context.Context) error {
	answers, err := f.results.next()
	if err != nil {
		return err
	}
	for _, a := range answers {
		f.records = append(f.records, &record{answer: a, arrived: time.Now(), gap: -1})
	}
	if err := f.gatherService(ctx); err != nil {
		return err
	}
	for _, r := range f.records {
		if r.call == nil {
			f.judge(r)
		}
	}
	return nil
}

func (f *facts) gatherService(ctx context.Context) error {
	var state serviceState
	if err := fetch(ctx, f.controlURL+"/state", &state); err != nil {
		return err
	}
	f.cameras = state.Cameras
	for _, s := range state.Streams {
		f.addStream(s)
	}
	var calls []call
	if err := fetch(ctx, fmt.Sprintf("%s/calls?since=%d", f.controlURL, f.seen), &calls); err != nil {
		return err
	}
	for _, c := range calls {
		f.seen = max(f.seen, c.N)
		if c.Op == "chat" && c.Status == 200 && c.Chat != nil {
			f.calls[c.Stream] = append(f.calls[c.Stream], c)
		}
	}
	return nil
}

// addStream keeps the highest loss and the camera of a stream, which are no longer to be had when it has ended.
func (f *facts) addStream(s stream) {
	old := f.streams[s.ID]
	s.Lost = max(s.Lost, old.Lost)
	if s.Camera == "" {
		s.Camera = old.Camera
	}
	f.streams[s.ID] = s
}

// gatherStates asks the agent for the states of its parts. An agent that is not up yet, or no more, has none to tell.
func (f *facts) gatherStates(ctx context.Context) {
	f.changes = f.changes[:0]
	var page status.Page
	if err := fetch(ctx, f.agentURL, &page); err != nil {
		return
	}
	old := map[string]status.View{}
	for _, u := range f.units {
		for name, view := range u.Parts {
			old[u.Name+" "+name] = view
		}
	}
	for _, u := range page.Units {
		for _, part := range shownParts {
			if view, ok := u.Parts[part]; ok && view.State != old[u.Name+" "+part].State {
				f.changes = append(f.changes, fmt.Sprintf("%-14s %s %s %s", u.Name, part, view.State, view.Error))
			}
		}
	}
	f.units = page.Units
}

// shownParts are the parts of a camera whose states we show.
var shownParts = []string{"source", "lease", "publisher"}

func (f *facts) activeStreams() int {
	n := 0
	for _, s := range f.streams {
		if s.State == active {
			n++
		}
	}
	return n
}

func (f *facts) lost() int {
	n := 0
	for _, s := range f.streams {
		n += s.Lost
	}
	return n
}

package demo

import (
	"fmt"
	"time"
)

// A tally is what one camera and watch came to.
type tally struct {
	camera, watch string
	right, wrong  int
	first         time.Time // question of the first result
	maxGap        int       // in pictures; -1: not known
	slowest       time.Duration
}

func (t tally) results() int { return t.right + t.wrong }

// tallies counts the results, by camera in the order of the command line. A result whose call was not found is neither right nor wrong,
// except at the end, when it is wrong.
func (f *facts) tallies(final bool) []tally {
	var all []tally
	for _, camera := range f.cameras {
		for _, watch := range []string{counterWatch, sceneWatch} {
			t := tally{camera: camera.Name, watch: watch, maxGap: -1}
			for _, r := range f.records {
				if r.Data.Camera == camera.Name && r.Data.Watch == watch {
					t.add(r, final)
				}
			}
			all = append(all, t)
		}
	}
	return all
}

func (t *tally) add(r *record, final bool) {
	switch {
	case r.call == nil && final, r.wrong != "":
		t.wrong++
	case r.call != nil:
		t.right++
	}
	if t.first.IsZero() {
		t.first = r.Time
	}
	t.maxGap = max(t.maxGap, r.gap)
	t.slowest = max(t.slowest, r.latency())
}

// An ending is how the demo ended.
type ending struct {
	asked   time.Time // when the agent was told to stop
	agent   error     // nil: exit code 0
	every   time.Duration
	streams int // left at the service
	lost    int // pictures between the cameras and the decoder
}

// wrongs lists what was not as it should be, in words; empty: all was right.
func (f *facts) wrongs(e ending) []string {
	var list []string
	for _, t := range f.tallies(true) {
		every := e.every
		if t.watch == sceneWatch {
			every = sceneEvery
		}
		list = append(list, t.missing(every, e.asked)...)
	}
	list = append(list, f.wrongResults()...)
	if e.lost > 0 {
		list = append(list, fmt.Sprintf("%d pictures were lost between the cameras and the decoder", e.lost))
	}
	if e.agent != nil {
		list = append(list, fmt.Sprintf("the agent: %v", e.agent))
	}
	if e.streams > 0 {
		list = append(list, fmt.Sprintf("%d streams were left at the service", e.streams))
	}
	return list
}

// missing complains when there are fewer than nine in ten of the results that are due after the first.
func (t tally) missing(every time.Duration, end time.Time) []string {
	if t.results() == 0 {
		return []string{fmt.Sprintf("no results of %s/%s", t.camera, t.watch)}
	}
	due := int(end.Sub(t.first) / every)
	if t.results()*10 < due*9 {
		return []string{fmt.Sprintf("%d results of %s/%s, %d were due", t.results(), t.camera, t.watch, due)}
	}
	return nil
}

// wrongResults names the first few wrong results and counts the others.
func (f *facts) wrongResults() []string {
	const named = 5
	var list []string
	others := 0
	for _, r := range f.records {
		why := r.wrong
		if r.call == nil {
			why = "the service knows of no such answer"
		}
		switch {
		case why == "":
		case len(list) == named:
			others++
		default:
			list = append(list, fmt.Sprintf("%s/%s at %s: %s", r.Data.Camera, r.Data.Watch, r.Time.Local().Format("15:04:05.0"), why))
		}
	}
	if others > 0 {
		list = append(list, fmt.Sprintf("and %d more wrong results", others))
	}
	return list
}

package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// counterPeriod is where the counters of the test cameras start anew, and framesPerSecond how fast they run: see simulator/README.md.
const (
	counterPeriod   = 600
	framesPerSecond = 30
)

// maxGap is how far behind the live edge the picture of an answer may be: one second.
const maxGap = framesPerSecond

// judge finds the call that a result came from and compares what the agent wrote with what the service said and saw.
func (f *facts) judge(r *record) {
	r.call = f.callOf(r)
	if r.call == nil {
		return
	}
	if counters := r.call.Chat.Counters; len(counters) > 0 {
		r.gap = gap(counters[len(counters)-1], r.call.Chat.LiveCounter)
	}
	switch {
	case !r.Data.OK:
		r.wrong = r.Data.Error
	case r.Data.Watch == counterWatch:
		r.wrong = f.checkCounter(r)
	default:
		r.wrong = f.checkScene(r)
	}
}

// callOf finds the answered chat about the result's stream that began between question and answer and was about the same kind of media:
// both watches of a camera ask at the same moment now and then.
func (f *facts) callOf(r *record) *call {
	calls := f.calls[r.Data.StreamID]
	for i := range calls {
		c := &calls[i]
		after := c.At.Sub(r.Time) // the result's time was cut to milliseconds
		if after >= 0 && after <= r.latency()+2*time.Millisecond && isFrame(c) == (r.Data.Watch == counterWatch) {
			return c
		}
	}
	return nil
}

// isFrame tells whether a chat was about a single picture.
func isFrame(c *call) bool {
	return len(c.Chat.Media) == 1 && strings.Contains(c.Chat.Media[0], "frame_index")
}

// gap counts the pictures from counter to live; -1 when one of them is not known. The service looks a moment after it noted where the camera
// was, so a picture may be newer than that: no gap.
func gap(counter, live int) int {
	if counter < 0 || live < 0 {
		return -1
	}
	behind := ((live-counter)%counterPeriod + counterPeriod) % counterPeriod
	if counterPeriod-behind <= maxGap {
		return 0
	}
	return behind
}

func (f *facts) checkCounter(r *record) string {
	var got struct{ Counter, Camera *int }
	if err := json.Unmarshal(r.Data.Result, &got); err != nil || got.Counter == nil || got.Camera == nil {
		return fmt.Sprintf("no counter and camera in %s", r.Data.Result)
	}
	answered := r.call.Chat.Counters
	switch want := f.number(r.Data.Camera); {
	case len(answered) != 1 || *got.Counter != answered[0]:
		return fmt.Sprintf("counter %d in the file, the service answered %v", *got.Counter, answered)
	case *got.Camera != want:
		return fmt.Sprintf("a picture of camera %d, this is camera %d", *got.Camera, want)
	case r.gap < 0:
		return "distance to the live edge not known"
	case r.gap > maxGap:
		return fmt.Sprintf("%d pictures behind the live edge", r.gap)
	}
	return ""
}

func (f *facts) checkScene(r *record) string {
	var got string
	if err := json.Unmarshal(r.Data.Result, &got); err != nil || got != r.call.Chat.Content {
		return fmt.Sprintf("%s in the file, the service answered %q", r.Data.Result, r.call.Chat.Content)
	}
	if want := fmt.Sprintf("of camera %d:", f.number(r.Data.Camera)); !strings.Contains(got, want) {
		return fmt.Sprintf("%q does not speak %s", got, strings.TrimSuffix(want, ":"))
	}
	return ""
}

// number is what a camera burns into its pictures; 0 when there is no such camera.
func (f *facts) number(camera string) int {
	for _, c := range f.cameras {
		if c.Name == camera {
			return c.Number
		}
	}
	return 0
}

package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// start of every test's world.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world returns facts with two cameras, of which each has a stream.
func world() *facts {
	return &facts{
		began:   noon,
		cameras: []testCamera{{Name: "front-door", Number: 1}, {Name: "dock", Number: 2}},
		streams: map[string]stream{"s1": {ID: "s1", State: active, Camera: "front-door"}, "s2": {ID: "s2", State: active, Camera: "dock"}},
		calls:   map[string][]call{},
	}
}

// counterCall is the service's side of a counter result on stream s1.
func counterCall(at time.Time, counter, live int) call {
	return call{At: at.Add(400 * time.Microsecond), Stream: "s1", Chat: &chat{
		Media: []string{"ovs://streams/s1?frame_index=-1"}, Counters: []int{counter}, LiveCounter: live,
	}}
}

// add puts a result into the facts and has it judged.
func (f *facts) add(camera, watch, streamID string, asked time.Time, result string) *record {
	r := &record{gap: -1, arrived: asked.Add(200 * time.Millisecond)}
	r.Time = asked
	r.Data.Camera, r.Data.Watch, r.Data.StreamID, r.Data.OK = camera, watch, streamID, true
	r.Data.Result, r.Data.LatencyMS = json.RawMessage(result), 150
	f.records = append(f.records, r)
	f.judge(r)
	return r
}

func TestCounterResultsAreComparedWithTheCall(t *testing.T) {
	for name, c := range map[string]struct {
		result        string
		answered      int
		live, wantGap int
		wantWrong     string
	}{
		"right":               {`{"counter": 42, "camera": 1}`, 42, 48, 6, ""},
		"over the period":     {`{"counter": 598, "camera": 1}`, 598, 3, 5, ""},
		"another counter":     {`{"counter": 41, "camera": 1}`, 42, 48, 6, "counter 41 in the file"},
		"another camera":      {`{"counter": 42, "camera": 2}`, 42, 48, 6, "a picture of camera 2"},
		"one second behind":   {`{"counter": 42, "camera": 1}`, 42, 72, 30, ""},
		"more than that":      {`{"counter": 42, "camera": 1}`, 42, 73, 31, "31 pictures behind"},
		"newer than noted":    {`{"counter": 0, "camera": 1}`, 0, 599, 0, ""},
		"a long way behind":   {`{"counter": 42, "camera": 1}`, 42, 600, 558, "558 pictures behind"},
		"live edge not known": {`{"counter": 42, "camera": 1}`, 42, -1, -1, "not known"},
		"no camera":           {`{"counter": 42}`, 42, 48, 6, "no counter and camera"},
		"text":                {`"42"`, 42, 48, 6, "no counter and camera"},
	} {
		f := world()
		f.calls["s1"] = []call{counterCall(noon, c.answered, c.live)}
		r := f.add("front-door", counterWatch, "s1", noon, c.result)
		if r.call == nil || r.gap != c.wantGap || (r.wrong == "") != (c.wantWrong == "") || !strings.Contains(r.wrong, c.wantWrong) {
			t.Errorf("%s: call %v, gap %d, wrong %q; want gap %d, wrong %q", name, r.call, r.gap, r.wrong, c.wantGap, c.wantWrong)
		}
	}
}

func TestEachResultFindsItsOwnCall(t *testing.T) {
	f := world()
	const said = "Frames 10 to 70 (6 pictures) of camera 1: dark."
	scene := call{At: noon.Add(300 * time.Microsecond), Stream: "s1", Chat: &chat{
		Media: []string{"ovs://streams/s1?start_offset_ms=-3000&max_fps=2"}, Counters: []int{10, 40, 70}, LiveCounter: 75, Content: said,
	}}
	f.calls["s1"] = []call{counterCall(noon.Add(-time.Second), 44, 45), scene, counterCall(noon, 74, 75)}
	if r := f.add("front-door", sceneWatch, "s1", noon, `"`+said+`"`); r.call == nil || r.wrong != "" || r.gap != 5 {
		t.Errorf("scene: %+v", r)
	}
	if r := f.add("front-door", counterWatch, "s1", noon, `{"counter": 74, "camera": 1}`); r.call == nil || r.wrong != "" || r.gap != 1 {
		t.Errorf("counter: %+v", r)
	}
	if r := f.add("front-door", counterWatch, "s1", noon.Add(time.Second), `{"counter": 104, "camera": 1}`); r.call != nil {
		t.Errorf("a result that nobody gave has call %+v", r.call)
	}
	if r := f.add("front-door", sceneWatch, "s1", noon, `"something else"`); !strings.Contains(r.wrong, "the service answered") {
		t.Errorf("another scene: %+v", r)
	}
}

// run fills facts with a good run of ten seconds.
func run() (*facts, ending) {
	f := world()
	for _, c := range f.cameras {
		id := fmt.Sprintf("s%d", c.Number)
		for second := range 10 {
			asked := noon.Add(time.Duration(second) * time.Second)
			f.calls[id] = append(f.calls[id], counterCall(asked, 30*second, 30*second+2))
			f.add(c.Name, counterWatch, id, asked, fmt.Sprintf(`{"counter": %d, "camera": %d}`, 30*second, c.Number))
			if second%5 == 0 {
				said := fmt.Sprintf("Frame 1 of camera %d: dark.", c.Number)
				f.calls[id] = append(f.calls[id], call{At: asked, Chat: &chat{Media: []string{"window"}, Counters: []int{1}, LiveCounter: 9, Content: said}})
				f.add(c.Name, sceneWatch, id, asked, `"`+said+`"`)
			}
		}
	}
	return f, ending{asked: noon.Add(10 * time.Second), every: time.Second}
}

func TestAGoodRunIsRight(t *testing.T) {
	f, e := run()
	if wrongs := f.wrongs(e); wrongs != nil {
		t.Error(wrongs)
	}
}

func TestEachFailureIsNamed(t *testing.T) {
	for want, spoil := range map[string]func(*facts, *ending){
		"7 pictures were lost":         func(_ *facts, e *ending) { e.lost = 7 },
		"the agent: exit status 1":     func(_ *facts, e *ending) { e.agent = errors.New("exit status 1") },
		"2 streams were left":          func(_ *facts, e *ending) { e.streams = 2 },
		"no results of dock/scene":     func(f *facts, _ *ending) { f.drop("dock", sceneWatch) },
		"no results of front-door":     func(f *facts, _ *ending) { f.records = nil },
		"10 results of dock/counter":   func(_ *facts, e *ending) { e.asked = e.asked.Add(2 * time.Second) },
		"the service knows of no such": func(f *facts, _ *ending) { f.records[3].call = nil },
		"front-door/counter at ":       func(f *facts, _ *ending) { f.records[0].wrong = "bad" },
		"and 19 more wrong results":    func(f *facts, _ *ending) { f.spoilAll() },
		"the model's answer is not JSO": func(f *facts, _ *ending) {
			r := f.records[0]
			r.Data.OK, r.Data.Error = false, "the model's answer is not JSON"
			f.judge(r)
		},
	} {
		f, e := run()
		spoil(f, &e)
		if got := strings.Join(f.wrongs(e), "\n"); !strings.Contains(got, want) {
			t.Errorf("want %q in:\n%s", want, got)
		}
	}
}

func (f *facts) drop(camera, watch string) {
	var kept []*record
	for _, r := range f.records {
		if r.Data.Camera != camera || r.Data.Watch != watch {
			kept = append(kept, r)
		}
	}
	f.records = kept
}

func (f *facts) spoilAll() {
	for _, r := range f.records {
		r.wrong = "bad"
	}
}

func TestLossOfAnEndedStreamIsRemembered(t *testing.T) {
	f := world()
	f.addStream(stream{ID: "s1", State: active, Camera: "front-door", Lost: 3})
	f.addStream(stream{ID: "s1", State: "ended"})
	if f.lost() != 3 || f.activeStreams() != 1 || f.streams["s1"].Camera != "front-door" {
		t.Errorf("%d lost, %d active, %+v", f.lost(), f.activeStreams(), f.streams["s1"])
	}
}

package window

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
)

var epoch = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// filled returns a window of n frames, one every 100 ms from epoch on, that keeps 10 s; and the time of the last one.
func filled(n int) (*Window, time.Time) {
	w := New(10 * time.Second)
	at := epoch
	for i := range n {
		at = epoch.Add(time.Duration(i) * 100 * time.Millisecond)
		w.Add(Arrival{At: at})
	}
	return w, at
}

// The window of these tests: 200 frames at 10 fps, of which 99-199 (9.9 s to 19.9 s on the stream clock) are retained.
func TestImage(t *testing.T) {
	tests := []struct {
		name      string
		at        ovs.Anchor
		tolerance time.Duration
		direction ovs.Direction
		rules     Rules
		late      time.Duration // asked so long after the newest frame
		want      int64
		code      string
	}{
		{name: "newest", at: ovs.Anchor{Kind: ovs.Index, Value: -1}, want: 199},
		{name: "one before", at: ovs.Anchor{Kind: ovs.Index, Value: -2}, want: 198},
		{name: "oldest retained", at: ovs.Anchor{Kind: ovs.Index, Value: 99}, want: 99},
		{name: "evicted", at: ovs.Anchor{Kind: ovs.Index, Value: 98}, code: CodeEvicted},
		{name: "evicted, clamping", at: ovs.Anchor{Kind: ovs.Index, Value: 0}, rules: Rules{ClampOld: true}, want: 99},
		{name: "evicted, counted back", at: ovs.Anchor{Kind: ovs.Index, Value: -150}, code: CodeEvicted},
		{name: "before the first ever", at: ovs.Anchor{Kind: ovs.Index, Value: -1000}, code: CodeEvicted},
		{name: "not yet", at: ovs.Anchor{Kind: ovs.Index, Value: 200}, code: CodeNotYet},
		{name: "exact time", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_000}, want: 150},
		{name: "nearest after", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_060}, want: 151},
		{name: "nearest before", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_040}, want: 150},
		{name: "as near both ways", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_050}, want: 150},
		{name: "forward", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_010}, direction: ovs.Forward, want: 151},
		{name: "backward", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_090}, direction: ovs.Backward, want: 150},
		{name: "out of tolerance", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_050}, tolerance: 20 * time.Millisecond, code: CodeEmpty},
		{name: "out of tolerance forward", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_010}, direction: ovs.Forward, tolerance: 50 * time.Millisecond, code: CodeEmpty},
		{name: "time just before the window", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 9_850}, want: 99},
		{name: "time long ago", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 0}, code: CodeEmpty},
		{name: "epoch instead of stream time", at: ovs.Anchor{Kind: ovs.Timestamp, Value: 1_790_000_000_000}, code: CodeEmpty},
		{name: "absurd time", at: ovs.Anchor{Kind: ovs.Timestamp, Value: -1 << 63}, code: CodeEmpty},
		{name: "offset back", at: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, want: 189},
		{name: "offset back from now", at: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, late: time.Second, rules: Rules{NegativeFromNow: true}, want: 199},
		{name: "offset back, stalled camera", at: ovs.Anchor{Kind: ovs.Offset, Value: -100}, late: time.Second, want: 198},
		{name: "offset back from now, stalled camera", at: ovs.Anchor{Kind: ovs.Offset, Value: -100}, late: time.Second, rules: Rules{NegativeFromNow: true}, code: CodeEmpty},
		{name: "offset zero", at: ovs.Anchor{Kind: ovs.Offset, Value: 0}, want: 99},
		{name: "offset forward", at: ovs.Anchor{Kind: ovs.Offset, Value: 500}, want: 104},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, now := filled(200)
			if test.late > 0 {
				now = now.Add(test.late)
			}
			ref := ovs.Image{At: test.at, Tolerance: orDefault(test.tolerance), Direction: test.direction}
			frame, err := w.Image(ref, now, test.rules)
			if codeOf(err) != test.code || (err == nil && frame.Index != test.want) {
				t.Errorf("got frame %d, error %v; want frame %d, error %q", frame.Index, err, test.want, test.code)
			}
		})
	}
}

func TestSegment(t *testing.T) {
	anchor := func(kind ovs.Kind, value int64) *ovs.Anchor { return &ovs.Anchor{Kind: kind, Value: value} }
	tests := []struct {
		name        string
		start       ovs.Anchor
		end         *ovs.Anchor
		rules       Rules
		late        time.Duration
		first, last int64
		code        string
	}{
		{name: "last second", start: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, first: 189, last: 199},
		{name: "end is exclusive", start: ovs.Anchor{Kind: ovs.Index, Value: 150}, end: anchor(ovs.Index, 155), first: 150, last: 154},
		{name: "newest left out", start: ovs.Anchor{Kind: ovs.Index, Value: -5}, end: anchor(ovs.Index, -1), first: 195, last: 198},
		{name: "timestamps", start: ovs.Anchor{Kind: ovs.Timestamp, Value: 15_000}, end: anchor(ovs.Timestamp, 15_300), first: 150, last: 152},
		{name: "mixed anchors", start: ovs.Anchor{Kind: ovs.Index, Value: 150}, end: anchor(ovs.Offset, -4000), first: 150, last: 158},
		{name: "cut at both sides", start: ovs.Anchor{Kind: ovs.Index, Value: 0}, end: anchor(ovs.Index, 1000), first: 99, last: 199},
		{name: "begins before the stream", start: ovs.Anchor{Kind: ovs.Offset, Value: -999_999}, first: 99, last: 199},
		{name: "wholly evicted", start: ovs.Anchor{Kind: ovs.Index, Value: 0}, end: anchor(ovs.Index, 50), code: CodeEmpty},
		{name: "wholly in the future", start: ovs.Anchor{Kind: ovs.Timestamp, Value: 50_000}, end: anchor(ovs.Timestamp, 60_000), code: CodeEmpty},
		{name: "open end in the future", start: ovs.Anchor{Kind: ovs.Timestamp, Value: 50_000}, code: CodeEmpty},
		{name: "end before start", start: ovs.Anchor{Kind: ovs.Timestamp, Value: 16_000}, end: anchor(ovs.Timestamp, 15_000), code: CodeEndNotAfter},
		{name: "end at start", start: ovs.Anchor{Kind: ovs.Index, Value: 150}, end: anchor(ovs.Index, 150), code: CodeEndNotAfter},
		{name: "mixed, end before start", start: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, end: anchor(ovs.Index, 120), code: CodeEndNotAfter},
		{name: "end offset zero", start: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, end: anchor(ovs.Offset, 0), code: CodeEndNotAfter},
		{name: "end offset zero as live edge", start: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, end: anchor(ovs.Offset, 0), rules: Rules{EndZeroIsEdge: true}, first: 189, last: 199},
		{name: "start of the buffer", start: ovs.Anchor{Kind: ovs.Offset, Value: 0}, end: anchor(ovs.Offset, 300), first: 99, last: 101},
		{name: "stalled camera", start: ovs.Anchor{Kind: ovs.Offset, Value: -500}, late: 2 * time.Second, first: 194, last: 199},
		{name: "stalled camera, from now", start: ovs.Anchor{Kind: ovs.Offset, Value: -500}, late: 2 * time.Second, rules: Rules{NegativeFromNow: true}, code: CodeEmpty},
		{name: "absurd", start: ovs.Anchor{Kind: ovs.Index, Value: -1 << 63}, end: anchor(ovs.Index, 1<<63-1), first: 99, last: 199},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w, now := filled(200)
			frames, err := w.Segment(ovs.Segment{Start: test.start, End: test.end, MaxFPS: 1000}, now.Add(test.late), test.rules)
			if codeOf(err) != test.code {
				t.Fatalf("got error %v, want %q", err, test.code)
			}
			if err == nil && (frames[0].Index != test.first || frames[len(frames)-1].Index != test.last) {
				t.Errorf("got frames %d-%d, want %d-%d", frames[0].Index, frames[len(frames)-1].Index, test.first, test.last)
			}
		})
	}
}

func TestWithoutFrames(t *testing.T) {
	w := New(Retention)
	image := func(kind ovs.Kind, value int64) error {
		_, err := w.Image(ovs.Image{At: ovs.Anchor{Kind: kind, Value: value}, Tolerance: time.Second}, epoch, Rules{})
		return err
	}
	_, segment := w.Segment(ovs.Segment{Start: ovs.Anchor{Kind: ovs.Offset, Value: -1000}, MaxFPS: 1}, epoch, Rules{})
	for _, test := range []struct {
		err  error
		code string
	}{
		{image(ovs.Index, -1), CodeEmpty},
		{image(ovs.Index, 0), CodeNotYet},
		{image(ovs.Timestamp, 0), CodeEmpty},
		{image(ovs.Offset, -1), CodeEmpty},
		{segment, CodeEmpty},
	} {
		if codeOf(test.err) != test.code {
			t.Errorf("got %v, want %s", test.err, test.code)
		}
	}
	if s := w.Summary(epoch); s.Any {
		t.Errorf("an empty window has a summary: %+v", s)
	}
}

func TestFramesLeaveByAgeAndKeepTheirIndices(t *testing.T) {
	w, now := filled(200)
	s := w.Summary(now)
	if s.Retained != 101 || s.Evicted != 99 || s.OldestIndex != 99 || s.LastIndex != 199 || s.RecentFPS != 10 {
		t.Errorf("full window: %+v", s)
	}
	s = w.Summary(now.Add(time.Hour))
	if s.Retained != 0 || s.Evicted != 200 || s.LastIndex != 199 || s.LastClock != 19_900*time.Millisecond || s.RecentFPS != 0 {
		t.Errorf("an hour later: %+v", s)
	}
	if frame := w.Add(Arrival{At: now.Add(2 * time.Hour)}); frame.Index != 200 {
		t.Errorf("the next frame has index %d, want 200", frame.Index)
	}
}

// Thinning never gives more than max_fps per second, keeps the first frame, order and spacing.
func TestAfter(t *testing.T) {
	w, _ := filled(200) // 99 to 199 are retained
	for after, want := range map[int64]int64{-1: 99, 10: 99, 99: 100, 198: 199} {
		if got := w.After(after); len(got) != int(200-want) || got[0].Index != want {
			t.Errorf("after %d: %d frames, want those from %d", after, len(got), want)
		}
	}
	if got := w.After(199); len(got) != 0 {
		t.Errorf("after the newest: %+v", got)
	}
}

func TestThin(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var frames []Frame
		clock := time.Duration(0)
		for range 1 + dice.IntN(300) {
			frames = append(frames, Frame{Clock: clock})
			clock += time.Duration(1 + dice.IntN(int(80*time.Millisecond)))
		}
		fps := 0.1 + 40*dice.Float64()
		kept := thin(frames, fps)
		span := frames[len(frames)-1].Clock.Seconds()
		if kept[0].Clock != 0 || float64(len(kept)) > span*fps+1 {
			t.Fatalf("%d of %d frames over %.2f s at %.2f fps", len(kept), len(frames), span, fps)
		}
		if !slices.IsSortedFunc(kept, func(a, b Frame) int { return int(a.Clock - b.Clock) }) {
			t.Fatal("out of order")
		}
	}
	w, now := filled(100)
	frames, err := w.Segment(ovs.Segment{Start: ovs.Anchor{Kind: ovs.Timestamp}, MaxFPS: 2}, now, Rules{})
	if err != nil || len(frames) != 20 || frames[1].Index != 5 {
		t.Errorf("10 s at 10 fps thinned to 2 fps: %d frames, %v", len(frames), err)
	}
	if frames, err = w.Segment(ovs.Segment{Start: ovs.Anchor{Kind: ovs.Timestamp}, MaxFPS: 1e300}, now, Rules{}); err != nil || len(frames) != 100 {
		t.Errorf("without thinning: %d frames, %v", len(frames), err)
	}
	if frames, err = w.Segment(ovs.Segment{Start: ovs.Anchor{Kind: ovs.Timestamp}, MaxFPS: 1e-300}, now, Rules{}); err != nil || len(frames) != 1 {
		t.Errorf("thinned to the utmost: %d frames, %v", len(frames), err)
	}
}

func orDefault(d time.Duration) time.Duration {
	if d == 0 {
		return ovs.DefaultTolerance
	}
	return d
}

func codeOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

package window

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
)

// Segment finds the frames a segment reference names at now, thinned to its MaxFPS: at least one. Its errors are *Error.
//
// Both ends are resolved first, then cut to the retained window. An end before its start is an error of its own only where
// the end was given: a start beyond the live edge is an empty segment.
func (w *Window) Segment(ref ovs.Segment, now time.Time, rules Rules) ([]Frame, error) {
	w.evict(now)
	if ref.End != nil && ref.Start.Kind == ref.End.Kind && sameOrigin(ref.Start, *ref.End) && ref.End.Value <= ref.Start.Value &&
		!edgeEnd(*ref.End, rules) {
		return nil, endNotAfter()
	}
	if len(w.frames) == 0 {
		return nil, empty()
	}
	start := w.place(ref.Start, now, rules)
	end := w.liveEdge(now, rules)
	if ref.End != nil && !edgeEnd(*ref.End, rules) {
		if end = w.place(*ref.End, now, rules); end <= start {
			return nil, endNotAfter()
		}
	}
	frames := w.frames[w.atOrAfter(start):max(w.atOrAfter(start), w.atOrAfter(end))]
	if len(frames) == 0 {
		return nil, empty()
	}
	return thin(frames, ref.MaxFPS), nil
}

// sameOrigin tells whether two anchors of one kind can be compared by value: both from the front or both from the back.
func sameOrigin(a, b ovs.Anchor) bool { return (a.Value < 0) == (b.Value < 0) }

func edgeEnd(end ovs.Anchor, rules Rules) bool {
	return end.Kind == ovs.Offset && end.Value == 0 && rules.EndZeroIsEdge
}

// liveEdge is the exclusive end of a segment that gives none: just after the newest frame, or now.
func (w *Window) liveEdge(now time.Time, rules Rules) time.Duration {
	edge := w.last.Clock + 1
	if rules.NegativeFromNow {
		edge = max(edge, now.Sub(w.first))
	}
	return edge
}

// place turns an anchor into a place on the stream clock. An index outside the window lies as many
// nanoseconds beyond its edge as frames, so that the order of indices stays the order of places.
func (w *Window) place(at ovs.Anchor, now time.Time, rules Rules) time.Duration {
	if at.Kind != ovs.Index {
		return w.clockOf(at, now, rules)
	}
	index := at.Value
	if index < 0 {
		index = max(-int64(farAway), index) + w.next
	}
	oldest := w.oldestIndex()
	switch {
	case index < oldest:
		return w.frames[0].Clock - time.Duration(oldest-index)
	case index >= w.next:
		return w.last.Clock + 1 + time.Duration(min(index-w.next, int64(farAway)))
	default:
		return w.frames[index-oldest].Clock
	}
}

// thin keeps at most fps frames for each second, evenly from the first one on.
func thin(frames []Frame, fps float64) []Frame {
	step := max(1, time.Duration(min(float64(time.Second)/fps, float64(farAway))))
	due := frames[0].Clock
	var kept []Frame
	for _, frame := range frames {
		if frame.Clock >= due {
			kept = append(kept, frame)
			due += step * ((frame.Clock-due)/step + 1)
		}
	}
	return kept
}

func endNotAfter() *Error {
	return &Error{CodeEndNotAfter, "the end of the segment is not after its start"}
}

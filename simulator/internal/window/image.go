package window

import (
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/ovs"
)

// Image finds the frame an image reference names at now. Its errors are *Error.
func (w *Window) Image(ref ovs.Image, now time.Time, rules Rules) (Frame, error) {
	w.evict(now)
	if ref.At.Kind == ovs.Index {
		return w.byIndex(ref.At.Value, rules)
	}
	if len(w.frames) == 0 {
		return Frame{}, empty()
	}
	return w.byClock(w.clockOf(ref.At, now, rules), ref.Tolerance, ref.Direction)
}

func (w *Window) byIndex(value int64, rules Rules) (Frame, error) {
	index := value
	if value < 0 {
		if w.next == 0 {
			return Frame{}, empty()
		}
		index = max(-1, w.next+value) // before the first frame ever: as evicted
	}
	oldest := w.oldestIndex()
	switch {
	case index >= w.next:
		return Frame{}, &Error{CodeNotYet, fmt.Sprintf("frame %d has not arrived yet", index)}
	case index >= oldest:
		return w.frames[index-oldest], nil
	case rules.ClampOld && len(w.frames) > 0:
		return w.frames[0], nil
	default:
		return Frame{}, &Error{CodeEvicted, fmt.Sprintf("frame %d left the window", value)}
	}
}

// byClock finds the frame nearest to clock in the direction and within the tolerance; of two equally near ones the earlier.
func (w *Window) byClock(clock, tolerance time.Duration, direction ovs.Direction) (Frame, error) {
	after := w.atOrAfter(clock)
	before := after - 1
	if after < len(w.frames) && w.frames[after].Clock == clock {
		return w.frames[after], nil
	}
	ahead, behind := farAway, farAway
	if after < len(w.frames) && direction != ovs.Backward {
		ahead = w.frames[after].Clock - clock
	}
	if before >= 0 && direction != ovs.Forward {
		behind = clock - w.frames[before].Clock
	}
	switch {
	case behind <= ahead && behind <= tolerance:
		return w.frames[before], nil
	case ahead <= tolerance:
		return w.frames[after], nil
	default:
		return Frame{}, empty()
	}
}

// clockOf turns a timestamp or offset into a place on the stream clock. The window holds at least one frame.
func (w *Window) clockOf(at ovs.Anchor, now time.Time, rules Rules) time.Duration {
	value := milliseconds(at.Value)
	switch {
	case at.Kind == ovs.Timestamp:
		return value
	case at.Value >= 0:
		return w.frames[0].Clock + value
	case rules.NegativeFromNow:
		return now.Sub(w.first) + value
	default:
		return w.last.Clock + value
	}
}

// farAway is longer than any stream, and can be added to itself a few times.
const farAway = time.Duration(1) << 60

// milliseconds is n ms, cut off at farAway so that strangers' numbers cannot overflow.
func milliseconds(n int64) time.Duration {
	const most = int64(farAway / time.Millisecond)
	return time.Duration(max(-most, min(n, most))) * time.Millisecond
}

func empty() *Error { return &Error{CodeEmpty, "no retained frame matches"} }

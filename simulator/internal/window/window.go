package window

import (
	"slices"
	"sort"
	"time"
)

// A Window is the retained frames of one stream. It is not safe for concurrent use.
type Window struct {
	retention time.Duration
	frames    []Frame // in order of arrival; frames[0] is the oldest retained
	first     time.Time
	next      int64 // index of the frame that arrives next
	last      Frame // the newest frame ever, kept when it has left the window
}

// New returns an empty window which keeps frames for retention.
func New(retention time.Duration) *Window { return &Window{retention: retention} }

// Add appends a frame and returns it with its index and clock. Arrivals come in order.
func (w *Window) Add(a Arrival) Frame {
	if w.next == 0 {
		w.first = a.At
	}
	frame := Frame{
		Index: w.next, At: a.At, Clock: a.At.Sub(w.first),
		Bytes: a.Bytes, Key: a.Key, Decoded: a.Decoded, Reading: a.Reading,
	}
	w.next++
	w.last = frame
	w.frames = append(w.frames, frame)
	w.evict(a.At)
	return frame
}

// evict drops the frames that are too old at now, and gives memory back when most of it is unused.
func (w *Window) evict(now time.Time) {
	old := sort.Search(len(w.frames), func(i int) bool { return now.Sub(w.frames[i].At) <= w.retention })
	w.frames = w.frames[old:]
	if cap(w.frames) > 2*len(w.frames)+64 {
		w.frames = append(make([]Frame, 0, len(w.frames)+len(w.frames)/2+32), w.frames...)
	}
}

// A Summary is what the window tells about itself.
type Summary struct {
	Any             bool      // whether a frame ever arrived; the fields below mean nothing otherwise
	FirstAt, LastAt time.Time // arrival of the first and the newest frame ever
	LastIndex       int64
	LastClock       time.Duration
	Retained        int
	Evicted         int64
	OldestAt        time.Time // arrival of the oldest retained frame; zero where none is retained
	OldestIndex     int64     // its index; the index to come where none is retained
	RecentFPS       float64   // frames of the last RecentSpan per second
	Newest          Frame     // the newest frame ever
}

// RecentSpan is what RecentFPS is counted over.
const RecentSpan = 5 * time.Second

// Summary describes the window at now.
func (w *Window) Summary(now time.Time) Summary {
	w.evict(now)
	if w.next == 0 {
		return Summary{}
	}
	s := Summary{
		Any: true, FirstAt: w.first, LastAt: w.last.At, LastIndex: w.last.Index, LastClock: w.last.Clock,
		Retained: len(w.frames), Evicted: w.next - int64(len(w.frames)), OldestIndex: w.oldestIndex(), Newest: w.last,
	}
	if len(w.frames) > 0 {
		s.OldestAt = w.frames[0].At
	}
	recent := sort.Search(len(w.frames), func(i int) bool { return now.Sub(w.frames[i].At) < RecentSpan })
	s.RecentFPS = float64(len(w.frames)-recent) / RecentSpan.Seconds()
	return s
}

// After returns a copy of the retained frames that came after the one with this index.
func (w *Window) After(index int64) []Frame {
	return slices.Clone(w.frames[min(max(index+1-w.oldestIndex(), 0), int64(len(w.frames))):])
}

func (w *Window) oldestIndex() int64 { return w.next - int64(len(w.frames)) }

// atOrAfter returns the position in frames of the first frame whose clock is clock or later, len(frames) where none is.
func (w *Window) atOrAfter(clock time.Duration) int {
	return sort.Search(len(w.frames), func(i int) bool { return w.frames[i].Clock >= clock })
}

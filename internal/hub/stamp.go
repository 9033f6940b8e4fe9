package hub

import "time"

// stamp gives the packet the timestamp of its picture as it leaves. While a replay lasts, pictures go out at other times than they came:
// their timestamps tell the time at which they go, so that a receiver's jitter buffer sees nothing but a higher frame rate, and sender
// reports stay true. They may get a little ahead of live pictures, which then follow in small steps until they are ahead again.
func (h *Hub) stamp(o *outlet, e entry) uint32 {
	if !e.first {
		return o.timestamp
	}
	const step = ticksPerSecond / 1000 // of many a receiver's clock
	want := e.timestamp
	if o.replaying {
		want = h.clock.reading(time.Now())
	}
	if o.stamped && int32(want-o.timestamp) <= 0 {
		want = o.timestamp + step
	}
	o.stamped, o.timestamp = true, want
	if e.picture > o.expected {
		h.metrics.skipped.Add(float64(e.picture - o.expected))
	}
	o.expected = max(o.expected, e.picture+1)
	if h.gop.kept && e.picture == h.gop.picture {
		o.served()
	}
	return want
}

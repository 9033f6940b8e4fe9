package v4l2

import "time"

// A clock makes the times at which pictures were taken grow, whatever the driver says: some write the same time into every buffer.
type clock struct{ last time.Duration }

// at returns when a picture was taken for which a driver says taken.
func (c *clock) at(taken time.Duration) time.Duration {
	if taken <= c.last {
		taken = c.last + time.Millisecond
	}
	c.last = taken
	return taken
}

// ticks is a time at 90 kHz; it wraps.
func ticks(d time.Duration) uint32 { return uint32(d.Nanoseconds() * 9 / 100_000) }

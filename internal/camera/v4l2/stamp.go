package v4l2

import (
	"time"

	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

// A clock makes the times at which pictures were taken grow as time does, whatever the driver says: some write the same time into every buffer, and
// some cameras' own clocks jump.
type clock struct{ last time.Duration }

// at returns when a picture was taken, of which a driver says taken, or 0; now is the time by the same clock. What cannot be is not believed: then
// the picture is as old as its arrival.
func (c *clock) at(taken, now time.Duration) time.Duration {
	if taken <= c.last || taken > now {
		taken = max(now, c.last+time.Millisecond)
	}
	c.last = taken
	return taken
}

// taken is when a driver says that a picture was taken, 0 where it does not say so by the clock that never jumps.
func taken(p kernel.Picture) time.Duration {
	if p.Monotonic {
		return p.Timestamp
	}
	return 0
}

// monotonic is the time by the clock that never jumps.
func monotonic() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0 // every kernel has this clock
	}
	return time.Duration(now.Nano())
}

// ticks is a time at 90 kHz; it wraps.
func ticks(d time.Duration) uint32 { return uint32(d.Nanoseconds() * 9 / 100_000) }

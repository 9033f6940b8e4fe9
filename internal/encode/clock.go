package encode

import "time"

const (
	// A step beyond these is no pause and no reordering: the camera set its clock. The line then goes on as if nothing had been.
	longestPause   = 10 * Hertz
	deepestReorder = 2 * Hertz
	usualStep      = Hertz / 25
)

// clock continues a camera's timestamps, which have 32 bits and wrap, to a line without end, on which an encoder can order pictures.
type clock struct {
	begun   bool
	stamp   uint32 // of the last picture, in the camera's count
	last    int64  // the same on the line
	highest int64
	arrived time.Time
}

// ticks places the next picture on the line, at 90 kHz. Its low 32 bits are the timestamp itself, until the camera's clock jumps.
func (c *clock) ticks(stamp uint32, arrived time.Time) int64 {
	if !c.begun {
		c.begun, c.stamp, c.last, c.highest, c.arrived = true, stamp, 1<<32+int64(stamp), 1<<32+int64(stamp), arrived
		return c.last
	}
	step := int64(int32(stamp - c.stamp))
	switch {
	case step == 0: // a camera whose clock stands still
		c.last += max(1, arrived.Sub(c.arrived).Microseconds()*Hertz/1e6)
	case step > longestPause || step < -deepestReorder:
		c.last = c.highest + usualStep
	default:
		c.last += step
	}
	c.stamp, c.highest, c.arrived = stamp, max(c.highest, c.last), arrived
	return c.last
}

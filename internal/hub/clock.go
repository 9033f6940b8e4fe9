package hub

import (
	"math/rand/v2"
	"time"
)

const ticksPerSecond = 90_000

// clock maps the timestamps of a camera, which jump when it restarts or corrects its clock, to one row that only goes forward.
type clock struct {
	started bool // in refers to the running session
	in, out uint32
	at      time.Time // when the newest picture came
}

// newClock starts at a random value, as RFC 3550 section 5.1 asks.
func newClock() clock { return clock{out: rand.Uint32(), at: time.Now()} }

// restart makes the next timestamp the first of a new session.
func (c *clock) restart() { c.started = false }

// next maps the timestamp of the next picture. Where the camera's clock makes no sense, standing still, going back or leaping ahead, the
// time of arrival is used instead and steady is false.
func (c *clock) next(in uint32, now time.Time) (out uint32, steady bool) {
	const leap = 10 * ticksPerSecond
	step := int32(in - c.in)
	steady = !c.started || (step > 0 && step <= leap)
	if !c.started || !steady {
		step = int32(max(min(now.Sub(c.at), time.Hour), time.Millisecond) * ticksPerSecond / time.Second)
	}
	c.started, c.in, c.at = true, in, now
	c.out += uint32(step)
	return c.out, steady
}

// reading is what the clock shows at now.
func (c *clock) reading(now time.Time) uint32 {
	return c.out + uint32(max(min(now.Sub(c.at), time.Hour), 0)*ticksPerSecond/time.Second)
}

// span is the time from one timestamp to a later one.
func span(from, to uint32) time.Duration {
	return time.Duration(int32(to-from)) * time.Second / ticksPerSecond
}

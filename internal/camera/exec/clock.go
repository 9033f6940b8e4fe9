package exec

// A clock gives pictures that have none a time: that of their arrival, evened out, in ticks of 90 kHz.
//
// Programs give pictures evenly, but encoders, pipes and busy machines hold some up, and then several come at once. The times of arrival as
// such would show every hitch, and give pictures the same time. So the clock follows where the next picture is expected, a rhythm and a
// phase, and lets every arrival correct both a little (an alpha-beta filter): much in the beginning, when little is known, and less later. It
// never drifts from the arrivals, however wrong the expected rate. What comes long after it was expected follows a pause, and takes its own
// time; two pauses in a row are a slow rhythm.
type clock struct {
	period float64 // ticks between two pictures
	last   float64 // the time of the newest one
	seen   int     // pictures, up to settled
	paused bool    // before the newest one
}

const (
	hertz   = 90_000
	usual   = 30 // pictures per second, of a program of which nothing is known
	settled = 30 // pictures after which the clock knows what it will
	least   = hertz / 1000
)

func newClock(fps float64) clock {
	if fps == 0 {
		fps = usual
	}
	return clock{period: hertz / fps}
}

// next returns the time of a picture that arrived at a time. It only goes forward.
func (c *clock) next(arrived int64) int64 {
	off := float64(arrived) - (c.last + c.period)
	switch {
	case c.seen == 0:
		c.last = float64(arrived)
	case off > max(hertz/2, 4*c.period):
		if c.paused {
			c.period = float64(arrived) - c.last
		}
		c.last, c.seen, c.paused = float64(arrived), 0, true
	default:
		c.paused = false
		n := float64(c.seen)
		alpha, beta := 2*(2*n+1)/((n+1)*(n+2)), 6/((n+1)*(n+2)) // the best there are for n even steps
		c.last += max(least, c.period+min(alpha, 1)*off)
		c.period = min(max(c.period+min(beta, 1)*off, hertz/maxFPS), 10*hertz)
	}
	c.seen = min(c.seen+1, settled)
	return int64(c.last)
}

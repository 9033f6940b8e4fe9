package media

import "github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"

// A chain checks that burned-in counters follow each other. The zero value is ready for use; it begins anew with each track.
type chain struct {
	started         bool
	counter, camera int
}

// check compares a picture with the one before and counts what is missing between them.
func (c *chain) check(reading picture.Reading, stats *counters) {
	if reading.Counter < 0 {
		stats.add(func(s *Stats) { s.UnreadCounters++ })
		return
	}
	follows := c.started && c.camera == reading.Camera
	missing := (reading.Counter - c.counter - 1 + picture.CounterPeriod) % picture.CounterPeriod
	c.started, c.counter, c.camera = true, reading.Counter, reading.Camera
	switch {
	case !follows || missing == 0:
	case missing < picture.CounterPeriod/2:
		stats.add(func(s *Stats) { s.LostPictures += missing })
	default: // closer the other way round: the publisher sent again what it had sent before
		stats.add(func(s *Stats) { s.RepeatedPictures++ })
	}
}

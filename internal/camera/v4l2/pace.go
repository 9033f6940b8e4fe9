package v4l2

import "time"

// A pace leaves out pictures of a camera that is faster than it was asked to be: each would have to be encoded. The zero value leaves out none.
type pace struct {
	interval time.Duration // from one picture to the next
	due      time.Duration // when the next is
}

// newPace returns the pace for what was asked and what the camera agreed to.
func newPace(w wish, got choice) pace {
	const faster = 1.1 // than asked; less is not worth gaps
	if got.pixel.format == H264 || got.fps > 0 && got.fps < w.fps*faster {
		return pace{}
	}
	return pace{interval: time.Duration(float64(time.Second) / w.fps)}
}

// early tells whether a picture taken at a time comes too early. Cameras are not punctual, so nearly is due.
func (p *pace) early(taken time.Duration) bool {
	const slack = 0.4 // of an interval; a camera of twice the rate is half of one too early
	wait := p.due - taken
	return wait > time.Duration(slack*float64(p.interval)) && wait <= 2*p.interval // or else the clock was set
}

// used says that a picture taken at a time was not left out.
func (p *pace) used(taken time.Duration) {
	set := p.due-taken > 2*p.interval
	p.due += p.interval
	if set || p.due <= taken { // the clock was set, or there was a gap
		p.due = taken + p.interval
	}
}

package m2m

import "github.com/overshoot-ai/overshoot-agent/internal/encode"

const (
	// usualRate is how many pictures a second cameras send, more or less. The device gives each picture its share of the bits of a second, and wants to
	// know it in advance.
	usualRate = 30
	// window is for how many pictures the rate is measured.
	window = 60
)

// A rate is how many pictures a second the camera sends, as far as is known.
type rate struct {
	assumed float64 // what the device was told
	counted int     // pictures in the window
	begun   int64   // ticks of its first
}

func newRate() *rate { return &rate{assumed: usualRate} }

// wrong counts a picture, and tells whether the device was told a rate that is far off; then assumed is the one that was measured.
func (r *rate) wrong(ticks int64) bool {
	if r.counted == 0 || ticks <= r.begun {
		r.counted, r.begun = 1, ticks
		return false
	}
	if r.counted++; r.counted <= window {
		return false
	}
	measured := min(max(1, window*encode.Hertz/float64(ticks-r.begun)), 120)
	r.counted, r.begun = 1, ticks
	if off := measured / r.assumed; off > 0.8 && off < 1.25 {
		return false
	}
	r.assumed = measured
	return true
}

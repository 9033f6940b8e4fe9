package encode

const (
	// rateWindow is for how many pictures a rate is measured.
	rateWindow = 60
	// sure is how many measurements in a row must say that a rate that was measured fell. Pictures that are dropped because the encoder is slow make it fall and rise
	// again every few seconds, and whoever believed that would begin anew each time.
	sure = 5
)

// A Rate is how many pictures a second the camera sends, for encoders that give each its share of the bits of a second, and want to know in advance.
// One that is too high costs bits; one that is too low costs more than there are, so it is raised at once and lowered late.
type Rate struct {
	Assumed float64 // what the encoder was told

	counted int   // pictures in the window
	begun   int64 // ticks of its first
	lower   int   // measurements in a row that were
	known   bool  // something was measured
}

// NewRate assumes what most cameras send, more or less.
func NewRate() Rate { return Rate{Assumed: 30} }

// Wrong counts a picture by its ticks, and tells whether what the encoder was told is far off; then Assumed is what was measured.
func (r *Rate) Wrong(ticks int64) bool {
	if r.counted == 0 || ticks <= r.begun {
		r.counted, r.begun = 1, ticks
		return false
	}
	if r.counted++; r.counted <= rateWindow {
		return false
	}
	measured := min(max(1, rateWindow*Hertz/float64(ticks-r.begun)), 120)
	known := r.known
	r.counted, r.begun, r.known = 1, ticks, true
	switch off := measured / r.Assumed; {
	case off >= 1.25:
	case off > 0.8:
		r.lower = 0
		return false
	default:
		if r.lower++; known && r.lower < sure {
			return false
		}
	}
	r.Assumed, r.lower = measured, 0
	return true
}

package v4l2

// A Size is that of a picture, in pixels.
type Size struct{ Width, Height int }

// A SizeRange is what a device offers for a format: one size (Min equals Max), or all sizes from Min to Max in steps.
type SizeRange struct{ Min, Max, Step Size }

// A Fraction is the time from one picture to the next, in seconds: 1/30 for 30 pictures a second.
type Fraction struct{ Numerator, Denominator uint32 }

// An IntervalRange is what a device offers for a format and a size: one interval (Min equals Max), or all from Min to Max in steps. Min is
// the fastest.
type IntervalRange struct{ Min, Max, Step Fraction }

// The kinds of answer to both enumerations (enum v4l2_frmsizetypes, v4l2_frmivaltypes). The others are continuous and stepwise.
const discrete = 1

// Sizes lists the sizes in which a device offers a format. ENOTTY: the driver does not say.
func (d *Device) Sizes(f FourCC) ([]SizeRange, error) {
	var all []SizeRange
	err := enumerate(d, enumFrameSizes, func(i uint32) *frameSize { return &frameSize{Index: i, FourCC: f} }, func(s *frameSize) {
		all = append(all, s.sizes())
	})
	return upToRange(all, func(r SizeRange) bool { return r.Min != r.Max }), err
}

func (s *frameSize) sizes() SizeRange {
	if s.Kind == discrete {
		size := Size{int(s.Steps[0]), int(s.Steps[1])}
		return SizeRange{Min: size, Max: size}
	}
	return SizeRange{
		Min:  Size{int(s.Steps[0]), int(s.Steps[3])},
		Max:  Size{int(s.Steps[1]), int(s.Steps[4])},
		Step: Size{max(1, int(s.Steps[2])), max(1, int(s.Steps[5]))},
	}
}

// Intervals lists how fast a device can deliver a format in a size. ENOTTY: the driver does not say. Nothing: it does not have this size.
func (d *Device) Intervals(f FourCC, size Size) ([]IntervalRange, error) {
	var all []IntervalRange
	err := enumerate(d, enumFrameIntervals, func(i uint32) *frameInterval {
		return &frameInterval{Index: i, FourCC: f, Width: uint32(size.Width), Height: uint32(size.Height)}
	}, func(i *frameInterval) { all = append(all, i.intervals()) })
	return upToRange(all, func(r IntervalRange) bool { return r.Min != r.Max }), err
}

func (i *frameInterval) intervals() IntervalRange {
	if i.Kind == discrete {
		return IntervalRange{Min: i.Steps[0], Max: i.Steps[0]}
	}
	return IntervalRange{Min: i.Steps[0], Max: i.Steps[1], Step: i.Steps[2]}
}

// upToRange cuts an enumeration behind its first true range: a driver that has one says nothing else, and some repeat it for every index.
func upToRange[R any](all []R, ranged func(R) bool) []R {
	for i, r := range all {
		if ranged(r) {
			return all[:i+1]
		}
	}
	return all
}

// Nearest is the size of the range that is closest to the wanted one.
func (r SizeRange) Nearest(want Size) Size {
	return Size{nearest(want.Width, r.Min.Width, r.Max.Width, r.Step.Width), nearest(want.Height, r.Min.Height, r.Max.Height, r.Step.Height)}
}

func nearest(want, least, most, step int) int {
	want = min(max(want, least), most)
	if step <= 1 {
		return want
	}
	steps := (want - least + step/2) / step
	return min(least+steps*step, most-(most-least)%step)
}

// Rate is how many pictures a second; 0 where the driver's answer makes none.
func (f Fraction) Rate() float64 {
	if f.Numerator == 0 {
		return 0
	}
	return float64(f.Denominator) / float64(f.Numerator)
}

package v4l2

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A size of pictures in pixels.
type size struct{ width, height int }

func (s size) String() string { return fmt.Sprintf("%dx%d", s.width, s.height) }

// A span of rates in pictures a second; a single rate has the same at both ends.
type span struct{ slow, fast float64 }

// A mode is one way in which a device can deliver.
type mode struct {
	pixel pixel
	size  size
	rates []span // empty where the device does not say
}

// A wish is what was asked for.
type wish struct {
	format Format
	size   size
	fps    float64
}

// A choice is the mode that comes nearest to a wish.
type choice struct {
	pixel pixel
	size  size
	fps   float64 // 0: the device does not say which it has

	stride int // bytes from line to line in a buffer, once the driver has said
}

func (c choice) String() string {
	if c.fps == 0 {
		return fmt.Sprintf("%s %s", c.pixel.codec, c.size)
	}
	return fmt.Sprintf("%s %s at %s", c.pixel.codec, c.size, rateText(c.fps))
}

// rateText writes a rate without digits that nobody set: cameras say 333333/10000000 and mean 30.
func rateText(fps float64) string {
	return strconv.FormatFloat(math.Round(fps*100)/100, 'f', -1, 64) + " fps"
}

// What counts in the choice. Distances are natural logarithms of ratios, so that twice as much is as far away as half as much.
const (
	rateWeight = 0.5  // a picture too small cannot be helped, a slow one only comes later
	same       = 0.03 // distances that differ by no more are equal: 29.97 is 30

	// passedOn is how much farther away a mode may be that needs no encoder: twice the size in both directions, or half, and a little.
	passedOn = 2*math.Ln2 + 0.1
)

// choose returns the mode that comes nearest to the wish, and of those that come equally near the one that is cheapest to encode. It
// reports false when none has a format that was asked for.
func (w wish) choose(modes []mode) (choice, bool) {
	nearest := math.Inf(1)
	for _, m := range modes {
		if m.pixel.wanted(w.format) {
			_, distance := w.answer(m)
			nearest = min(nearest, distance)
		}
	}
	var near []choice
	for _, m := range modes {
		if c, distance := w.answer(m); m.pixel.wanted(w.format) && distance <= nearest+same {
			near = append(near, c)
		}
	}
	if len(near) == 0 {
		return choice{}, false
	}
	return slices.MinFunc(near, w.prefer), true
}

// prefer orders choices that are equally far away.
func (w wish) prefer(a, b choice) int {
	return cmp.Or(
		cmp.Compare(a.pixel.rank(), b.pixel.rank()),
		cmp.Compare(w.size.distance(a.size), w.size.distance(b.size)),
		cmp.Compare(b.size.width, a.size.width), // twice or half: better too large than too small
		cmp.Compare(ratio(w.fps, max(a.fps, 1)), ratio(w.fps, max(b.fps, 1))),
	)
}

// answer is the best that a mode can do, and how far that is from the wish.
func (w wish) answer(m mode) (choice, float64) {
	c := choice{pixel: m.pixel, size: m.size, fps: w.nearestRate(m.rates)}
	distance := w.size.distance(m.size)
	if c.fps > 0 {
		distance += rateWeight * max(0, math.Log(w.fps/c.fps)-same) // too fast is no fault: it is the slowest that there is
	}
	if m.pixel.format == H264 && w.format == Auto {
		distance -= passedOn
	}
	return c, distance
}

// nearestRate returns the rate that comes nearest, 0 when none is known.
func (w wish) nearestRate(rates []span) (best float64) {
	for _, s := range rates {
		rate := min(max(w.fps, s.slow), s.fast)
		if best == 0 || ratio(rate, w.fps) < ratio(best, w.fps) {
			best = rate
		}
	}
	return best
}

func (s size) distance(other size) float64 {
	return ratio(float64(s.width), float64(other.width)) + ratio(float64(s.height), float64(other.height))
}

// ratio is how far apart two amounts are, whichever is larger.
func ratio(a, b float64) float64 { return math.Abs(math.Log(a / b)) }

// outcome says in one sentence what came of a wish, or nothing when it was fulfilled.
func (w wish) outcome(got choice) string {
	var missed []string
	if got.size != w.size {
		missed = append(missed, "size")
	}
	if got.fps > 0 && ratio(got.fps, w.fps) > same {
		missed = append(missed, "rate")
	}
	if len(missed) == 0 {
		return ""
	}
	says := fmt.Sprintf("asked for %s, and the camera's nearest is %s (another %s)", w, got, strings.Join(missed, " and "))
	if newPace(w, got) != (pace{}) {
		says += fmt.Sprintf(", and at most %s are used", rateText(w.fps))
	}
	return says
}

// summary says what modes there are of each kind of picture, one line each, best kind first, small pictures first.
func summary(modes []mode) (lines []string) {
	modes = slices.SortedFunc(slices.Values(modes), func(a, b mode) int {
		return cmp.Or(cmp.Compare(a.size.width, b.size.width), cmp.Compare(a.size.height, b.size.height), cmp.Compare(a.fastest(), b.fastest()))
	})
	for _, p := range pixels {
		var of []string
		for _, m := range modes {
			if m.pixel == p {
				of = append(of, m.String())
			}
		}
		if len(of) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s", p.code, strings.Join(slices.Compact(of), ", ")))
		}
	}
	return lines
}

func (m mode) String() string {
	if m.fastest() == 0 {
		return m.size.String()
	}
	return fmt.Sprintf("%s up to %s", m.size, rateText(m.fastest()))
}

// fastest is the highest rate of a mode, 0 when none is known.
func (m mode) fastest() (fps float64) {
	for _, s := range m.rates {
		fps = max(fps, s.fast)
	}
	return fps
}

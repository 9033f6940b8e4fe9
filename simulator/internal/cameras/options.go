package cameras

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/clip"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/testcamera"
)

// words are the options that stand alone.
func words() map[string]func(*Spec) {
	return map[string]func(*Spec){
		"h265":         func(s *Spec) { s.Clip.Codec = clip.H265 },
		"mjpeg":        func(s *Spec) { s.Clip.Codec = clip.MJPEG },
		"shrinks":      func(s *Spec) { s.Clip.Shrinks = true },
		"sdp-only":     func(s *Spec) { s.Settings.Sets = testcamera.SetsInSDP },
		"band-only":    func(s *Spec) { s.Settings.Sets = testcamera.SetsInBand },
		"annex-b":      func(s *Spec) { s.Settings.Sets = testcamera.SetsAnnexB },
		"all-marked":   func(s *Spec) { s.Settings.Markers = testcamera.MarkersAll },
		"unmarked":     func(s *Spec) { s.Settings.Markers = testcamera.MarkersNone },
		"wild-clock":   func(s *Spec) { s.Settings.WildClock = true },
		"untidy":       func(s *Spec) { s.Settings.Untidy = true },
		"unaggregated": func(s *Spec) { s.Settings.Unaggregated = true },
	}
}

// A value is an option with a number.
type value struct {
	least, most int
	set         func(*Spec, int)
}

func values() map[string]value {
	return map[string]value{
		"payload":  {100, 1460, func(s *Spec, n int) { s.Settings.PayloadSize = n }},
		"number":   {0, picture.MaxCamera, func(s *Spec, n int) { s.Number, s.Clip.Camera = n, n }},
		"gop":      {1, 600, func(s *Spec, n int) { s.Clip.GOP = n }},
		"b-frames": {1, 4, func(s *Spec, n int) { s.Clip.BFrames = n }},
		"slices":   {2, 8, func(s *Spec, n int) { s.Clip.Slices = n }},
	}
}

// apply changes s as one option says.
func (s *Spec) apply(option string) error {
	name, text, found := strings.Cut(option, "=")
	set, isWord := words()[name]
	number, isNumber := values()[name]
	switch {
	case isWord && !found:
		set(s)
	case isNumber && found:
		n, err := strconv.Atoi(text)
		if err != nil || n < number.least || n > number.most {
			return fmt.Errorf("%s is %q, want %d to %d", name, text, number.least, number.most)
		}
		number.set(s, n)
	case name == "says" && found:
		s.Settings.Says = clip.Codec(text)
	case name == "drop" && found:
		return s.setDrop(text)
	default:
		return fmt.Errorf("option %q is none of %s, %s=N, says=CODEC and drop=DURATION", option,
			strings.Join(slices.Sorted(maps.Keys(words())), ", "), strings.Join(slices.Sorted(maps.Keys(values())), "=N, "))
	}
	return nil
}

func (s *Spec) setDrop(text string) (err error) {
	if s.Settings.DropAfter, err = time.ParseDuration(text); err != nil || s.Settings.DropAfter <= 0 {
		return fmt.Errorf("drop is %q, want a duration such as 10s", text)
	}
	return nil
}

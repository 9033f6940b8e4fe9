package v4l2

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// kind returns the pixels of a format.
func kind(f Format) pixel {
	return pixels[slices.IndexFunc(pixels[:], func(p pixel) bool { return p.format == f })]
}

// listed is how tests write a mode.
func listed(f Format, width, height int, rates ...float64) mode {
	m := mode{pixel: kind(f), size: size{width, height}}
	for _, r := range rates {
		m.rates = append(m.rates, span{r, r})
	}
	return m
}

func asked(f Format, width, height int, fps float64) wish { return wish{f, size{width, height}, fps} }

// What cameras list, as far as it matters.
var (
	// A webcam on USB 2: raw pictures are slow where they are large, and MJPEG is fast.
	webcam = []mode{
		listed(YUYV, 640, 480, 30, 24, 20, 15, 10, 7.5, 5), listed(YUYV, 1280, 720, 10, 7.5, 5), listed(YUYV, 1920, 1080, 5),
		listed(MJPEG, 640, 480, 30, 15, 5), listed(MJPEG, 1280, 720, 30, 15, 5), listed(MJPEG, 1920, 1080, 30, 15, 5),
	}
	encoding = append(slices.Clone(webcam), listed(H264, 1280, 720, 30, 15), listed(H264, 1920, 1080, 30))
	sensor   = []mode{
		{pixel: kind(NV12), size: size{1280, 720}, rates: []span{{1, 120}}}, {pixel: kind(YUYV), size: size{1280, 720}, rates: []span{{1, 120}}},
	}
	wordless = []mode{listed(MJPEG, 1280, 720), listed(YUYV, 1280, 720)}
	odd      = []mode{listed(YUYV, 352, 288, 29.97002997), listed(YUYV, 640, 512, 25), listed(YUYV, 2592, 1944, 3.75)}
)

func TestWhatIsChosen(t *testing.T) {
	for _, tc := range []struct {
		modes []mode
		wish  wish
		want  string
		says  string
	}{
		{webcam, asked(Auto, 1280, 720, 15), "MJPEG 1280x720 at 15 fps", ""},
		{webcam, asked(Auto, 640, 480, 15), "YUYV 640x480 at 15 fps", ""},
		{webcam, asked(Auto, 1280, 720, 10), "YUYV 1280x720 at 10 fps", ""},
		{webcam, asked(Auto, 1280, 720, 9), "YUYV 1280x720 at 10 fps", "asked for 1280x720 at 9 fps, and the camera's nearest is YUYV 1280x720 at 10 fps (another rate), and at most 9 fps are used"},
		{webcam, asked(Auto, 1280, 720, 60), "MJPEG 1280x720 at 30 fps", "asked for 1280x720 at 60 fps, and the camera's nearest is MJPEG 1280x720 at 30 fps (another rate)"},
		{webcam, asked(Auto, 1024, 768, 15), "MJPEG 1280x720 at 15 fps", "asked for 1024x768 at 15 fps, and the camera's nearest is MJPEG 1280x720 at 15 fps (another size)"},
		{webcam, asked(Auto, 320, 240, 1), "YUYV 640x480 at 5 fps", "asked for 320x240 at 1 fps, and the camera's nearest is YUYV 640x480 at 5 fps (another size and rate), and at most 1 fps are used"},
		{webcam, asked(YUYV, 1280, 720, 15), "YUYV 1280x720 at 10 fps", "asked for yuyv 1280x720 at 15 fps, and the camera's nearest is YUYV 1280x720 at 10 fps (another rate)"},
		{webcam, asked(MJPEG, 640, 480, 15), "MJPEG 640x480 at 15 fps", ""},
		{encoding, asked(Auto, 1280, 720, 15), "H.264 1280x720 at 15 fps", ""},
		{encoding, asked(Auto, 640, 480, 15), "H.264 1280x720 at 15 fps", "asked for 640x480 at 15 fps, and the camera's nearest is H.264 1280x720 at 15 fps (another size)"},
		{append(encoding, listed(YUYV, 160, 120, 15)), asked(Auto, 160, 120, 15), "YUYV 160x120 at 15 fps", ""},
		{encoding, asked(YUYV, 640, 480, 30), "YUYV 640x480 at 30 fps", ""},
		{sensor, asked(Auto, 1280, 720, 12.5), "NV12 1280x720 at 12.5 fps", ""},
		{wordless, asked(Auto, 1280, 720, 15), "YUYV 1280x720", ""},
		{odd, asked(Auto, 320, 240, 30), "YUYV 352x288 at 29.97 fps", "asked for 320x240 at 30 fps, and the camera's nearest is YUYV 352x288 at 29.97 fps (another size)"},
		{odd, asked(Auto, 2592, 1944, 15), "YUYV 2592x1944 at 3.75 fps", "asked for 2592x1944 at 15 fps, and the camera's nearest is YUYV 2592x1944 at 3.75 fps (another rate)"},
	} {
		got, ok := tc.wish.choose(tc.modes)
		if !ok || got.String() != tc.want {
			t.Errorf("%s: got %s, want %s", tc.wish, got, tc.want)
		}
		if says := tc.wish.outcome(got); says != tc.says {
			t.Errorf("%s: says %q, want %q", tc.wish, says, tc.says)
		}
	}
}

func TestNothingToChooseFrom(t *testing.T) {
	if got, ok := asked(H264, 1280, 720, 15).choose(webcam); ok {
		t.Errorf("chose %s", got)
	}
	if got, ok := asked(Auto, 1280, 720, 15).choose(nil); ok {
		t.Errorf("chose %s", got)
	}
}

var (
	anyRate = rapid.SampledFrom([]float64{1, 2, 5, 7.5, 10, 15, 20, 24, 25, 29.97, 30, 50, 60, 90, 120})
	anySize = rapid.Custom(func(t *rapid.T) size {
		return size{16 * rapid.IntRange(1, 250).Draw(t, "width"), 8 * rapid.IntRange(1, 250).Draw(t, "height")}
	})
	anyMode = rapid.Custom(func(t *rapid.T) mode {
		m := mode{pixel: rapid.SampledFrom(pixels[:]).Draw(t, "pixel"), size: anySize.Draw(t, "size")}
		for range rapid.IntRange(0, 4).Draw(t, "rates") {
			a, b := anyRate.Draw(t, "rate"), anyRate.Draw(t, "rate")
			m.rates = append(m.rates, span{min(a, b), max(a, b)})
		}
		return m
	})
	anyWish = rapid.Custom(func(t *rapid.T) wish {
		formats := []Format{Auto, Auto, H264, MJPEG, YUYV, NV12, I420}
		return wish{rapid.SampledFrom(formats).Draw(t, "format"), anySize.Draw(t, "size"), anyRate.Draw(t, "fps")}
	})
)

// reached tells whether a mode can do what was asked.
func (w wish) reached(m mode) bool {
	return m.size == w.size && (len(m.rates) == 0 || slices.ContainsFunc(m.rates, func(s span) bool { return s.slow <= w.fps && w.fps <= s.fast }))
}

func TestChoiceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, modes := anyWish.Draw(t, "wish"), rapid.SliceOfN(anyMode, 0, 12).Draw(t, "modes")
		if rapid.Bool().Draw(t, "has it") {
			modes = append(modes, mode{pixel: rapid.SampledFrom(pixels[:]).Draw(t, "pixel"), size: w.size, rates: []span{{w.fps, w.fps}}})
		}
		got, ok := w.choose(modes)
		if wanted := slices.ContainsFunc(modes, func(m mode) bool { return m.pixel.wanted(w.format) }); ok != wanted {
			t.Fatalf("found %v, want %v", ok, wanted)
		}
		if !ok {
			return
		}
		if !got.pixel.wanted(w.format) {
			t.Fatalf("chose %s for %s", got, w)
		}
		if !slices.ContainsFunc(modes, func(m mode) bool { c, _ := w.answer(m); return c == got }) {
			t.Fatalf("the device has no %s", got)
		}
		for _, m := range modes {
			if m.pixel.wanted(w.format) && w.reached(m) {
				w.checkReached(t, got, m)
			}
		}
	})
}

// checkReached checks a choice where a mode does exactly what was asked: the size is that, and so is the rate, but for H.264, which may be
// somewhat different because it is passed on.
func (w wish) checkReached(t *rapid.T, got choice, m mode) {
	if got.pixel.format == H264 && w.format == Auto {
		if far := w.size.distance(got.size); far > passedOn+same {
			t.Fatalf("chose %s for %s, although there is %s %s", got, w, m.pixel.codec, m)
		}
		return
	}
	if w.size.distance(got.size) > same {
		t.Fatalf("chose %s for %s, although there is %s %s", got, w, m.pixel.codec, m)
	}
	if got.fps > 0 && got.fps < w.fps*math.Exp(-3*same) {
		t.Fatalf("chose %s for %s, although there is %s %s", got, w, m.pixel.codec, m)
	}
	if got.pixel.rank() > m.pixel.rank() {
		t.Fatalf("chose %s for %s, although there is %s %s", got, w, m.pixel.codec, m)
	}
}

// What a device lists first does not count: drivers list in any order.
func TestTheOrderOfModesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, modes := anyWish.Draw(t, "wish"), rapid.SliceOfN(anyMode, 1, 10).Draw(t, "modes")
		one, _ := w.choose(modes)
		two, _ := w.choose(rapid.Permutation(modes).Draw(t, "permuted"))
		if one != two {
			t.Fatalf("%s and %s", one, two)
		}
	})
}

// Each kind of pictures is a candidate once, and what is chosen is the first.
func TestCandidates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, modes := anyWish.Draw(t, "wish"), rapid.SliceOfN(anyMode, 1, 10).Draw(t, "modes")
		all := w.candidates(offer{modes: modes})
		first, ok := w.choose(modes)
		if ok != (len(all) > 0) || ok && all[0] != first {
			t.Fatalf("%v are the candidates, and %v is chosen", all, first)
		}
		seen := map[pixel]bool{}
		for _, c := range all {
			if seen[c.pixel] {
				t.Fatalf("%v twice", c.pixel)
			}
			seen[c.pixel] = true
		}
	})
	if got := asked(Auto, 640, 480, 15).candidates(offer{}); len(got) != len(pixels) || got[0].String() != "H.264 640x480" {
		t.Errorf("a device that says nothing is asked for %v", got)
	}
	if got := asked(NV12, 640, 480, 15).candidates(offer{}); fmt.Sprint(got) != "[NV12 640x480]" {
		t.Errorf("a device that says nothing is asked for %v", got)
	}
}

func TestSummary(t *testing.T) {
	got := fmt.Sprint(summary(append(encoding, wordless...)))
	want := "[H264: 1280x720 up to 30 fps, 1920x1080 up to 30 fps " +
		"YUYV: 640x480 up to 30 fps, 1280x720, 1280x720 up to 10 fps, 1920x1080 up to 5 fps " +
		"MJPG: 640x480 up to 30 fps, 1280x720, 1280x720 up to 30 fps, 1920x1080 up to 30 fps]"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

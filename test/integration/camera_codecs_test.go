package integration

import (
	"slices"
	"strings"
	"testing"
)

// A habit is a way in which real cameras send their video.
type habit struct {
	name, options string // of the simulator
	widths        []int  // of the pictures, one after the other; only 320 unless given
}

// Every one of these cameras works, and the answers about it are from its own newest pictures. They come in groups, so that the decoders of
// the simulator keep up on a small machine.
func packaging() []habit {
	return []habit{
		{name: "wild-clock", options: "wild-clock"},
		{name: "untidy", options: "untidy"}, // over UDP
		{name: "all-marked", options: "all-marked"},
		{name: "unmarked", options: "unmarked"},
		{name: "sliced", options: "slices=4"},
		{name: "crumbs", options: "slices=4:unaggregated:unmarked:payload=200"},
	}
}

func announcements() []habit {
	return []habit{
		{name: "sets-in-sdp", options: "sdp-only"},
		{name: "sets-in-band", options: "band-only"},
		{name: "sets-annex-b", options: "annex-b"},
		{name: "shrinking", options: "shrinks", widths: []int{320, 160}},
		{name: "long-groups", options: "gop=150"},
	}
}

func codecs() []habit {
	return []habit{
		{name: "h264-called-h265", options: "says=h265"},
		{name: "h265", options: "h265:sdp-only"},
		{name: "h265-called-h264", options: "h265:says=h264"},
		{name: "mjpeg", options: "mjpeg"},
		{name: "b-frames", options: "b-frames=2"},
	}
}

// refused are the habits that must be transcoded, and words about each that its owner is to read where that is forbidden.
func refused() map[string][]string {
	return map[string][]string{
		"h265": {"H.265", "transcode: auto"}, "mjpeg": {"MJPEG", "transcode: auto"}, "b-frames": {"B-frames", "transcode: auto"},
	}
}

func TestHabitsOfPackaging(t *testing.T) {
	t.Parallel()
	tryHabits(t, packaging(), "untidy", nil).end()
}

func TestHabitsOfAnnouncements(t *testing.T) {
	t.Parallel()
	z := tryHabits(t, announcements(), "", nil)
	z.a.waitWarning("long-groups", "key frame")
	z.end()
}

// It wants the cores to itself: it encodes, transcodes and decodes all at once.
func TestHabitsOfCodecs(t *testing.T) {
	z := tryHabits(t, codecs(), "", refused())
	for name, words := range refused() {
		z.a.waitTrouble(name+"-refused", "source", words...)
		if n := z.a.metric("overshoot_agent_camera_reconnects_total", "camera", name+"-refused", "reason", "codec"); n == 0 {
			t.Errorf("%s: the metric does not count it", name)
		}
	}
	if made := len(z.s.calls("create")); made != len(codecs()) {
		t.Errorf("%d streams were made for %d cameras that can be shown", made, len(codecs()))
	}
	z.end()
}

// tryHabits asks about cameras and checks all answers; one of the cameras may be over UDP. The refused are configured a second time, without
// leave to transcode.
func tryHabits(t *testing.T, habits []habit, overUDP string, refused map[string][]string) *zoo {
	t.Helper()
	var list, names []string
	for _, h := range habits {
		list = append(list, h.name+"=180p15:"+h.options)
		names = append(names, h.name)
	}
	z := newZoo(t, strings.Join(list, ","))
	if overUDP != "" {
		z.overUDP(overUDP)
	}
	for name := range refused {
		z.add(name+"-refused", z.s.cameras[name], "transcode: never")
	}
	z.start()
	z.waitResults(3, names...)
	streams := z.waitStreams(names...)
	for number, h := range habits {
		t.Run(h.name, func(t *testing.T) { z.checkHabit(t, h, number+1) })
	}
	z.checkDecoded(streams)
	z.checkSame(streams)
	return z
}

// checkHabit looks at all answers about a camera, and waits until those about each size of its pictures are there.
func (z *zoo) checkHabit(t *testing.T, h habit, number int) {
	t.Helper()
	widths := h.widths
	if widths == nil {
		widths = []int{320}
	}
	var all []sighting
	eventually(t, "answers about all sizes of pictures of "+h.name, func() bool {
		all = z.checkSightings(t, h.name)
		return t.Failed() || !slices.ContainsFunc(widths, func(width int) bool {
			return !slices.ContainsFunc(all, func(s sighting) bool { return s.Width == width })
		})
	})
	for _, s := range all {
		if s.Camera != number%16 || !slices.Contains(widths, s.Width) {
			t.Errorf("this is no picture of camera %d with a width of %v: %+v", number, widths, s)
		}
	}
}

// waitWarning blocks until the log warns about a camera with these words in the message.
func (a *agent) waitWarning(camera string, words ...string) {
	a.t.Helper()
	eventually(a.t, "the log warns of "+camera+": "+strings.Join(words, ", "), func() bool {
		return slices.ContainsFunc(a.log(), func(line logLine) bool {
			text := line.Message + " " + line.Error + " " + line.Cause
			return line.Level == "warn" && (line.Camera == camera || line.Unit == camera) &&
				!slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
		})
	})
}

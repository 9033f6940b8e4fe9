package probe

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Print writes the report for people.
func (r *Report) Print(to io.Writer) error {
	var out strings.Builder
	page := printer{&out}
	fmt.Fprintf(page, "%s\n", r.Camera)
	r.printConnection(page)
	if r.Video != nil {
		r.Video.print(page, time.Duration(r.Timing.Watched))
	}
	fmt.Fprintf(page, "\nverdict: %s\n", r.Verdict)
	if len(r.Advice) > 0 {
		fmt.Fprint(page, "advice:\n")
	}
	for _, one := range r.Advice {
		fmt.Fprintf(page, "  * %s\n", one)
	}
	_, err := io.WriteString(to, out.String()) // at once: what filters secrets looks at each write alone
	return err
}

// A printer writes a page of rows.
type printer struct{ *strings.Builder }

func (p printer) row(name, format string, args ...any) {
	fmt.Fprintf(p, "  %-15s %s\n", name, fmt.Sprintf(format, args...))
}

func (r *Report) printConnection(page printer) {
	var took []string
	for _, step := range []struct {
		what string
		at   Millis
	}{{"connected", r.Timing.Connected}, {"first packet", r.Timing.FirstPacket}, {"first key frame", r.Timing.FirstKey}} {
		if step.at > 0 {
			took = append(took, step.what+" after "+step.at.String())
		}
	}
	if len(r.Connection)+len(took) == 0 {
		return
	}
	fmt.Fprint(page, "\nconnection\n")
	for _, f := range r.Connection {
		page.row(f.Name, "%s", f.Value)
	}
	if len(took) > 0 {
		page.row("time", "%s", strings.Join(took, ", "))
	}
}

func (v *Video) print(page printer, watched time.Duration) {
	fmt.Fprintf(page, "\nvideo, watched for %s\n", Millis(watched))
	page.row("codec", "%s", v.codecWords())
	if v.Pictures == 0 {
		page.row("pictures", "none complete")
		page.row("packets", "%s", v.packetWords())
		return
	}
	page.row("pictures", "%s", v.pictureWords())
	page.row("bit rate", "%.2f Mbit/s", float64(v.BitRate)/1e6)
	if !v.Codec.Single() { // which has none of these
		page.row("key frames", "%s", v.keyWords())
		page.row("B-frames", "%s", choose(v.BFrames, "yes", "none"))
		page.row("parameter sets", "%s", v.setWords())
		page.row("markers", "%s", v.markerWords())
	}
	page.row("packets", "%s", v.packetWords())
	page.row("timestamps", "%s", v.Clock.words())
	page.row("arrival", "half of the pictures within %s of the camera's clock, 99 %% within %s; the longest pause was %s", v.Jitter.P50, v.Jitter.P99, v.Jitter.Pause)
}

func (v *Video) codecWords() string {
	words := string(v.Codec)
	if v.Format != "" {
		words += ", " + v.Format
	} else if v.Width > 0 {
		words += fmt.Sprintf(", %dx%d", v.Width, v.Height)
	}
	if v.Announced != "" {
		words += fmt.Sprintf(" (by content; the camera calls it %s)", v.Announced)
	}
	return words
}

func (v *Video) pictureWords() string {
	words := strconv.FormatFloat(v.FPS, 'f', -1, 64) + " per second"
	if v.AnnouncedFPS > 0 {
		words += fmt.Sprintf(" (the camera says %s)", strconv.FormatFloat(v.AnnouncedFPS, 'f', -1, 64))
	}
	if v.Slices > 1 {
		words += fmt.Sprintf(", of %d slices", v.Slices)
	}
	return words
}

func (v *Video) keyWords() string {
	k := v.KeyFrames
	if k.Count == 0 {
		return "none so far"
	}
	size := fmt.Sprintf("%.0f kB", float64(k.Bytes)/1e3)
	if k.Interval == 0 {
		return fmt.Sprintf("one of %s, and no second one in %s", size, k.Largest)
	}
	words := fmt.Sprintf("every %s (%s), of %s", k.Interval, count(k.Pictures, "picture"), size)
	if k.Largest > k.Interval+k.Interval/10 {
		words += fmt.Sprintf("; the largest gap was %s%s", choose(k.LargestOpen, "at least ", ""), k.Largest)
	}
	return words
}

func (v *Video) setWords() string {
	s := v.ParameterSets
	var words string
	switch {
	case s.Announced && s.InBand:
		words = "in the description and with the video"
	case s.Announced:
		words = "in the description only"
	case s.InBand:
		words = "with the video only"
	default:
		words = "none"
	}
	if s.Differ {
		words += "; they are not the same"
	}
	if s.Changes > 0 {
		words += fmt.Sprintf("; changed %s meanwhile", count(s.Changes, "time"))
	}
	return words
}

func (v *Video) packetWords() string {
	var wrong []string
	for _, w := range []struct {
		n    int
		what string
	}{
		{v.Packets.Lost, "were lost"},
		{int(v.Mended.Repaired), "broke the rules of RTP, and can be repaired"},
		{int(v.Mended.Refused), "were beyond repair"},
	} {
		if w.n > 0 {
			wrong = append(wrong, fmt.Sprintf("%d %s", w.n, w.what))
		}
	}
	words := fmt.Sprintf("%d, with up to %d bytes; ", v.Packets.Count, v.Packets.Largest)
	if len(wrong) == 0 {
		return words + "none was lost"
	}
	words += strings.Join(wrong, ", ")
	if v.Damaged > 0 {
		words += "; parts are missing of " + count(v.Damaged, "picture")
	}
	return words
}

func (v *Video) markerWords() string {
	switch m := v.Markers; {
	case m.Missing == 0 && m.Early == 0:
		return "right"
	case m.Early == 0:
		return fmt.Sprintf("missing from %d of %s", m.Missing, count(v.Pictures, "picture"))
	case m.Missing == 0:
		return fmt.Sprintf("too early in %d of %s", m.Early, count(v.Pictures, "picture"))
	default:
		return fmt.Sprintf("missing from %d and too early in %d of %s", m.Missing, m.Early, count(v.Pictures, "picture"))
	}
}

func (c Clock) words() string {
	if c.right() {
		return "right"
	}
	var wrong []string
	for _, w := range []struct {
		n    int
		what string
	}{{c.Frozen, "did not move"}, {c.Back, "went back"}, {c.Jumps, "leapt ahead"}} {
		if w.n > 0 {
			wrong = append(wrong, fmt.Sprintf("%s %s", count(w.n, "time"), w.what))
		}
	}
	if len(wrong) == 0 {
		return fmt.Sprintf("wrong: %.2f seconds go by in one", c.Rate)
	}
	return "wrong: " + strings.Join(wrong, ", ")
}

// String is for people: in milliseconds below a second, rounded up, else to the tenth.
func (m Millis) String() string {
	d := time.Duration(m)
	if d < time.Second {
		return (d + time.Millisecond - 1).Truncate(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func choose(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

package demo

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// width is how many columns the view uses.
const width = 80

// A heading is what stays the same in the view.
type heading struct {
	status string // URL of the status page
	files  files
	ends   time.Duration // after which the demo ends by itself; 0: never
}

// render returns the lines of the view, at most height of them.
func (f *facts) render(h heading, now time.Time, height int) []string {
	lines := h.lines(now.Sub(f.began))
	lines = append(lines, f.cameraTable(now)...)
	lines = append(lines, "", f.score(), "", bold(fmt.Sprintf("%-8s  %-12s %-8s %-28s %8s %9s", "asked", "camera", "watch", "answer", "age", "latency")))
	room := max(1, height-len(lines)-1)
	for i := len(f.records) - 1; i >= 0 && room > 0; i, room = i-1, room-1 {
		lines = append(lines, f.records[i].line())
	}
	return lines
}

func (h heading) lines(running time.Duration) []string {
	end := "Ctrl-C ends it"
	if h.ends > 0 {
		end = fmt.Sprintf("ends after %v, or with Ctrl-C", h.ends)
	}
	return []string{
		bold("overshoot-agent demo") + fmt.Sprintf("   running %v   %s", running.Truncate(time.Second), end),
		"",
		"status   " + h.status,
		"config   " + h.files.Config,
		"results  " + h.files.Results,
		"log      " + h.files.Log,
		"",
	}
}

// cameraTable has a line for each camera: what its parts are doing.
func (f *facts) cameraTable(now time.Time) []string {
	lines := []string{bold(fmt.Sprintf("%-14s %-12s %-16s %-10s %s", "camera", "source", "lease", "publisher", "stream"))}
	for _, c := range f.cameras {
		parts := f.partsOf(c.Name)
		lease := parts["lease"]
		since := ""
		if lease.State == active {
			since = " " + now.Sub(lease.Since).Truncate(time.Second).String()
		}
		lines = append(lines, fmt.Sprintf("%-14s %s %s %s %s", cut(c.Name, 14), state(parts["source"], "", 12), state(lease, since, 16),
			state(parts["publisher"], "", 10), cut(lease.Detail["stream"], 24)))
		for _, part := range shownParts {
			if text := parts[part].Error; text != "" {
				lines = append(lines, yellow(cut("  "+part+": "+text, width)))
			}
		}
	}
	return lines
}

func (f *facts) partsOf(camera string) map[string]status.View {
	for _, u := range f.units {
		if u.Name == camera {
			return u.Parts
		}
	}
	return nil
}

// state shows a state in a column of n: green when all is well.
func state(v status.View, more string, n int) string {
	text := v.State
	if text == "" {
		text = "-"
	}
	padded := fmt.Sprintf("%-*s", n, cut(text+more, n))
	if v.State == "live" || v.State == active || v.State == "renewing" {
		return green(padded)
	}
	return yellow(padded)
}

// score says how it goes in one line.
func (f *facts) score() string {
	right, wrong, gap := 0, 0, -1
	for _, t := range f.tallies(false) {
		right, wrong = right+t.right, wrong+t.wrong
		if t.watch == counterWatch {
			gap = max(gap, t.maxGap)
		}
	}
	verdict := green(fmt.Sprintf("%d right", right)) + ", 0 wrong"
	if wrong > 0 {
		verdict = fmt.Sprintf("%d right, ", right) + red(fmt.Sprintf("%d wrong", wrong))
	}
	return fmt.Sprintf("answers: %s   largest gap to the live edge: %s   lost: %d", verdict, gapText(gap), f.lost())
}

// line shows a result: when it was asked, by whom, the answer, how old the picture was when the answer came, and how long that took.
func (r *record) line() string {
	age := ""
	if r.gap >= 0 {
		age = fmt.Sprintf("%.2f s", float64(r.gap)/framesPerSecond+r.latency().Seconds())
	}
	line := fmt.Sprintf("%-8s  %-12s %-8s %-28s %8s %9s", r.Time.Local().Format(time.TimeOnly), cut(r.Data.Camera, 12), cut(r.Data.Watch, 8),
		cut(short(r.Data.Result), 28), age, milliseconds(r.latency()))
	if r.wrong != "" {
		return red(line)
	}
	return line
}

// short is an answer for people: the values of an object by name, or the text.
func short(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var c struct {
		Counter, Camera int
		Color           string
		Moving          bool
	}
	if json.Unmarshal(raw, &c) != nil {
		return string(raw)
	}
	words := fmt.Sprintf("#%d cam %d %s", c.Counter, c.Camera, c.Color)
	if c.Moving {
		words += " moving"
	}
	return words
}

// cut shortens text to n characters and takes out what a terminal might obey.
func cut(text string, n int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text))
	if len(runes) <= n {
		return string(runes)
	}
	return string(runes[:n-1]) + "…"
}

func bold(s string) string   { return "\x1b[1m" + s + "\x1b[0m" }
func red(s string) string    { return "\x1b[31m" + s + "\x1b[0m" }
func green(s string) string  { return "\x1b[32m" + s + "\x1b[0m" }
func yellow(s string) string { return "\x1b[33m" + s + "\x1b[0m" }

package demo

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A display shows the demo while it runs.
type display interface {
	progress(text string) // while things start
	show(f *facts)
	close() // leaves the terminal as it was; may be called again
}

// newDisplay redraws in place on a terminal and prints lines elsewhere.
func newDisplay(to *os.File, h func() heading) display {
	if _, err := unix.IoctlGetTermios(int(to.Fd()), unix.TCGETS); err != nil {
		return &lines{to: to}
	}
	return &terminal{to: to, heading: h}
}

// lines is the display for pipes and files: a line for each result and each change of a state.
type lines struct {
	to      io.Writer
	printed int // records
}

func (l *lines) progress(text string) { fmt.Fprintln(l.to, text) }

func (l *lines) show(f *facts) {
	now := time.Now().Format(time.TimeOnly)
	for _, change := range f.changes {
		fmt.Fprintf(l.to, "%s  %s\n", now, strings.TrimSpace(change))
	}
	for ; l.printed < len(f.records); l.printed++ {
		r := f.records[l.printed]
		wrong := ""
		if r.wrong != "" {
			wrong = "  WRONG: " + r.wrong
		}
		fmt.Fprintf(l.to, "%s%s\n", plain(r.line()), wrong)
	}
}

func (l *lines) close() {}

// plain takes the colours out of a line.
func plain(line string) string {
	for _, colour := range []string{"\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		line = strings.ReplaceAll(line, colour, "")
	}
	return line
}

// terminal is the display that redraws in place. It draws on the alternate screen, so that what was there before comes back.
type terminal struct {
	to      *os.File
	heading func() heading
	open    bool
}

// Control sequences of ECMA-48 and xterm.
const (
	enter     = "\x1b[?1049h\x1b[?25l\x1b[2J" // alternate screen, no cursor, empty
	leave     = "\x1b[?25h\x1b[?1049l"
	home      = "\x1b[H"
	endOfLine = "\x1b[K\r\n" // erases what an older line left behind
	endOfAll  = "\x1b[J"
)

func (t *terminal) progress(text string) { fmt.Fprintf(t.to, "\r%s\x1b[K\n", text) }

// show draws all of it with one write, over what is there: clearing first would flicker.
func (t *terminal) show(f *facts) {
	var screen strings.Builder
	if !t.open {
		screen.WriteString(enter)
		t.open = true
	}
	screen.WriteString(home)
	for _, line := range f.render(t.heading(), time.Now(), t.height()) {
		screen.WriteString(line + endOfLine)
	}
	screen.WriteString(endOfAll)
	_, _ = t.to.WriteString(screen.String()) // nobody is told when the terminal is gone
}

func (t *terminal) height() int {
	size, err := unix.IoctlGetWinsize(int(t.to.Fd()), unix.TIOCGWINSZ)
	if err != nil || size.Row == 0 {
		return 24
	}
	return int(size.Row)
}

func (t *terminal) close() {
	if t.open {
		_, _ = t.to.WriteString(leave)
		t.open = false
	}
}

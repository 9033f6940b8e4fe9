package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// summarize prints what the demo came to.
func (f *facts) summarize(to io.Writer, e ending, files files, agentCode int) {
	fmt.Fprintf(to, "\n%-14s %-8s %7s %6s %6s %14s %9s\n", "camera", "watch", "results", "right", "wrong", "largest gap", "slowest")
	for _, t := range f.tallies(true) {
		fmt.Fprintf(to, "%-14s %-8s %7d %6d %6d %14s %9s\n", t.camera, t.watch, t.results(), t.right, t.wrong, gapText(t.maxGap), milliseconds(t.slowest))
	}
	fmt.Fprintln(to)
	if len(f.records) > 0 {
		fmt.Fprintf(to, "first result         %.1f s after start\n", f.records[0].arrived.Sub(f.began).Seconds())
	}
	fmt.Fprintf(to, "pictures lost        %d between the cameras and the decoder\n", e.lost)
	fmt.Fprintf(to, "agent's exit code    %d\n", agentCode)
	fmt.Fprintf(to, "streams left         %d at the service\n", e.streams)
	fmt.Fprintf(to, "files kept           %s\n\n", files.Dir)
}

// gapText says how far behind the live edge a picture is: "6 (0.20 s)".
func gapText(pictures int) string {
	if pictures < 0 {
		return "not known"
	}
	return fmt.Sprintf("%d (%.2f s)", pictures, float64(pictures)/framesPerSecond)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// A WrongError says that the demo ran and did not do what it should.
type WrongError struct {
	Wrongs []string // in words
}

func (e *WrongError) Error() string {
	return "the demo went wrong:\n  - " + strings.Join(e.Wrongs, "\n  - ")
}

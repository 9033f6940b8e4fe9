package child

import (
	"bufio"
	"io"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	talkWindow = 10 * time.Second
	talkLines  = 5 // in a window; a decoder that lost a packet complains about each block of the picture
	talkTail   = 4 // lines that explain an end
	talkWidth  = 1024
)

// A Talk passes what a child says on standard error to the log, line by line and not too much of it.
type Talk struct {
	Log   *zap.Logger
	Scrub func(string) string // takes secrets out of it
	Name  string              // of who speaks

	window time.Time // its begin
	said   int       // lines in it
	hidden int       // lines kept from the log
	first  string    // the first line
	tail   []string  // the last lines
}

// Listen reads until r ends.
func (t *Talk) Listen(r io.Reader) {
	in := bufio.NewReaderSize(r, talkWidth)
	for {
		line, err := in.ReadSlice('\n') // or as much of it as fits
		if text := tidy(string(line)); text != "" {
			t.hear(t.Scrub(text))
		}
		if err != nil && err != bufio.ErrBufferFull {
			t.tellHidden()
			return
		}
	}
}

// tidy takes off what is not for people: "[libx264 @ 0x55d0c8a4e640] ".
func tidy(line string) string {
	line = strings.TrimSpace(strings.ToValidUTF8(line, "?"))
	if head, rest, ok := strings.Cut(line, "] "); ok && strings.HasPrefix(head, "[") && strings.Contains(head, " @ 0x") {
		return rest
	}
	return line
}

func (t *Talk) hear(line string) {
	if t.first == "" {
		t.first = line
	}
	if len(t.tail) == talkTail {
		t.tail = t.tail[1:]
	}
	t.tail = append(t.tail, line)
	if now := time.Now(); now.Sub(t.window) > talkWindow {
		t.tellHidden()
		t.window, t.said = now, 0
	}
	if t.said++; t.said > talkLines {
		t.hidden++
		return
	}
	t.Log.Warn(t.Name+" says", zap.String("line", line))
}

func (t *Talk) tellHidden() {
	if t.hidden > 0 {
		t.Log.Warn(t.Name+" said more", zap.Int("lines", t.hidden))
		t.hidden = 0
	}
}

// Words is what it said last. Call it when Listen has returned.
func (t *Talk) Words() string {
	if len(t.tail) == 0 {
		return "it did not say why"
	}
	return "it said: " + strings.Join(t.tail, " / ")
}

// First is the first line, of which the others often are consequences; "" if it said nothing. Call it when Listen has returned.
func (t *Talk) First() string { return t.first }

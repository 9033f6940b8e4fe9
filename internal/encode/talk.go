package encode

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

// talk passes what ffmpeg says on standard error to the log, line by line and not too much of it.
type talk struct {
	log    *zap.Logger
	scrub  func(string) string
	window time.Time // its begin
	said   int       // lines in it
	hidden int       // lines kept from the log
	first  string    // the first line
	tail   []string  // the last lines
}

// listen reads until r ends.
func (t *talk) listen(r io.Reader) {
	in := bufio.NewReaderSize(r, talkWidth)
	for {
		line, err := in.ReadSlice('\n') // or as much of it as fits
		if text := tidy(string(line)); text != "" {
			t.hear(t.scrub(text))
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

func (t *talk) hear(line string) {
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
	t.log.Warn("ffmpeg says", zap.String("line", line))
}

func (t *talk) tellHidden() {
	if t.hidden > 0 {
		t.log.Warn("ffmpeg said more", zap.Int("lines", t.hidden))
		t.hidden = 0
	}
}

// words is what it said last. Call it when listen has returned.
func (t *talk) words() string {
	if len(t.tail) == 0 {
		return "it did not say why"
	}
	return "it said: " + strings.Join(t.tail, " / ")
}

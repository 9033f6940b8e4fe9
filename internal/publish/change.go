package publish

import (
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// changed ends a stay whose track was announced as other video than the camera sends by now.
type changed struct{ from, to h264.Format }

func (c *changed) Error() string {
	return fmt.Sprintf("the camera's video changed from %s to %s", describe(c.from), describe(c.to))
}

// video returns what the camera sends by now, as far as a room is told of it; ok is false before the camera has said anything. An SPS that
// cannot be read says nothing: the zero Format.
func (l *Loop) video() (_ h264.Format, ok bool) {
	sps := l.Parameters().SPS
	if sps == nil {
		return h264.Format{}, false
	}
	f, err := h264.ParseSPS(sps)
	if err != nil {
		return h264.Format{}, true
	}
	return h264.Format{Profile: f.Profile, Constraints: f.Constraints, Level: f.Level, Width: f.Width, Height: f.Height}, true
}

func describe(video h264.Format) string {
	if video == (h264.Format{}) {
		return "something unreadable"
	}
	return video.String()
}

// Changed says that the camera replaced its parameters. If they make other video, it is announced anew, in the same stream. It does not
// block.
func (l *Loop) Changed() {
	if s := l.now.Load(); s != nil {
		s.look()
	}
}

// look makes the stay compare what it announced with what the camera sends. It does not block.
func (s *stay) look() {
	select {
	case s.looks <- struct{}{}:
	default: // it will look
	}
}

// compare returns why the stay has to end, if it has to because of the camera's video.
func (l *Loop) compare(s *stay) error {
	now, _ := l.video()
	if now == s.video {
		return nil
	}
	if wait := l.turns.wait(time.Now()); wait > 0 {
		if s.later != nil {
			s.later.Stop()
		}
		s.later = time.AfterFunc(wait, s.look)
		return nil
	}
	l.turns.took(time.Now())
	return &changed{from: s.video, to: now}
}

// isChange tells whether a stay ended only because it has to be announced anew.
func isChange(err error) bool {
	_, ok := errors.AsType[*changed](err)
	return ok
}

const (
	shortestTurn = 5 * time.Second
	longestTurn  = 5 * time.Minute
)

// turns keeps a camera whose video changes all the time, or that sends two kinds of it in turn, from rejoining all the time. A change is
// followed at once, and the next ones with pauses that double as long as they follow one another.
type turns struct {
	at    time.Time // the newest
	pause time.Duration
}

func (t *turns) wait(now time.Time) time.Duration { return t.at.Add(t.pause).Sub(now) }

func (t *turns) took(now time.Time) {
	if now.Sub(t.at) < 4*t.pause {
		t.pause = min(2*t.pause, longestTurn)
	} else {
		t.pause = shortestTurn
	}
	t.at = now
}

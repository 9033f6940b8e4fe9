package camera

import (
	"math/rand/v2"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

const (
	// healthy is how long a camera must deliver before it is taken for one that works. Some drop their connection every ten seconds all
	// their life, and still work.
	healthy = 3 * time.Second

	// recent is how long ago a camera may have worked to be expected back any moment: it reboots, or somebody pulled a cable.
	recent = 10 * time.Minute

	// atOnce is the most that the first attempt waits for after a camera that worked ended the session; less than anybody sees, and
	// enough to keep the cameras of one switch from coming back in step.
	atOnce = 20 * time.Millisecond
)

// pauses are the waits between the attempts to open one camera. They belong to the goroutine of its loop.
type pauses struct {
	soon  *retry.Pause // it is expected back
	quick *retry.Pause // it may come any time
	busy  *retry.Pause // its sessions are taken, often by the one that we lost; each request may keep them so
	slow  *retry.Pause // it will not go away by itself: trying often only fills logs, and may lock the camera's account

	worked time.Time // when it last did
}

func newPauses() *pauses {
	return &pauses{
		soon: retry.NewPause(250*time.Millisecond, 650*time.Millisecond), quick: retry.NewPause(time.Second, 30*time.Second),
		busy: retry.NewPause(10*time.Second, 5*time.Minute), slow: retry.NewPause(time.Minute, 10*time.Minute),
	}
}

// after returns how long to wait after an attempt that ended for a reason. Pictures came during delivered of it.
func (p *pauses) after(reason Reason, delivered time.Duration) time.Duration {
	worked := delivered >= healthy
	if worked {
		p.worked = time.Now()
		p.soon.Reset()
		p.quick.Reset()
		p.busy.Reset()
		p.slow.Reset()
	}
	expected := !p.worked.IsZero() && time.Since(p.worked) < recent
	switch {
	case reason == Busy:
		return p.busy.Next()
	case reason == Auth, reason.needsPerson() && !expected: // while it starts, a camera has no streams yet
		return p.slow.Next()
	case worked:
		return rand.N(atOnce)
	case reason == WrongCodec: // it answered well, and each attempt makes it send video: it was given other settings, and is hardly starting
		return p.quick.Next()
	case expected:
		return p.soon.Next()
	}
	return p.quick.Next()
}

// needsPerson tells reasons that do not go away by themselves.
func (r Reason) needsPerson() bool { return r == Auth || r == NotFound || r == WrongCodec }

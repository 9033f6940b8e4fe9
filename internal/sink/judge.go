package sink

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"go.uber.org/zap"
)

// afterLimit bounds what a far side can ask for: a slip of it must not silence a sink for days.
const afterLimit = 5 * time.Minute

// suspicious is the number of results, put aside in a row, from which it seems that not they are wrong but the far side, or how we
// address it. Then the pauses go on growing from one to the next, so that not a whole backlog is put aside in minutes.
const suspicious = 3

// judge decides what a failure means, first being the result that was not taken, and says how long to wait.
func (l *Loop) judge(err error, first result.Result) pause {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Kind: Again, Err: err}
	}
	l.Metrics.failed(e.Kind)
	l.Part.Detail("last_error", now()+" "+err.Error())
	switch e.Kind {
	case Gone:
		l.gone = true
		l.Part.Set("gone", err)
		l.Log.Error("the far side of a sink is closed for good; nothing is delivered to it until the configuration is loaded again",
			zap.String("sink", l.Name), zap.Error(err))
		return 0
	case Refused:
		l.Part.Set("failing", err)
		if l.refusals++; e.Final || l.refusals >= l.MaxAttempts {
			return l.putAside(e, first)
		}
		return l.patience.afterRefusal()
	default:
		l.Part.Set("failing", err)
		l.asked = time.Now().Add(min(e.RetryAfter, afterLimit))
	}
	return l.patience.afterFailure(e.RetryAfter)
}

// putAside makes a dead letter of the oldest result.
func (l *Loop) putAside(err *Error, first result.Result) pause {
	l.Log.Warn("a result was refused and is put aside", zap.String("sink", l.Name), zap.String("id", first.ID),
		zap.String("camera", first.Camera), zap.String("watch", first.Watch), zap.Int("attempts", l.refusals), zap.Error(err))
	l.Queue.Dead(err.Error(), l.refusals)
	l.refusals = 0
	if l.aside++; l.aside < suspicious {
		l.patience.reset()
		l.Part.Set("idle", nil) // the far side answers
		return 0
	}
	if err.Final { // what is wrong with each result by itself must not keep good ones waiting for hours
		return min(l.patience.afterRefusal(), pause(time.Second))
	}
	return l.patience.afterRefusal()
}

// patience yields the pauses after failures.
type patience struct{ again, refused *retry.Pause }

// newPatience: a far side that is back gets what waits within some seconds, and an attempt costs it one connection. One that refuses
// is up, and means what it says until a person changes something.
func newPatience() patience {
	return patience{again: retry.NewPause(500*time.Millisecond, 4*time.Second), refused: retry.NewPause(500*time.Millisecond, time.Minute)}
}

func (p patience) reset() {
	p.again.Reset()
	p.refused.Reset()
}

// afterFailure returns the next pause, and not less than the far side asked for. To that some is added by chance, because it may have asked a
// whole fleet.
func (p patience) afterFailure(asked time.Duration) pause {
	if asked = min(asked, afterLimit); asked > 0 {
		asked += rand.N(asked/10 + 1)
	}
	return pause(max(p.again.Next(), asked))
}

func (p patience) afterRefusal() pause { return pause(p.refused.Next()) }

// pause is how long to wait before the next attempt.
type pause time.Duration

// wait reports false as soon as ctx has ended.
func (p pause) wait(ctx context.Context) bool {
	return p <= 0 && ctx.Err() == nil || retry.Sleep(ctx, time.Duration(p))
}

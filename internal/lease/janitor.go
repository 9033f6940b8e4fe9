package lease

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"go.uber.org/zap"
)

// A Janitor deletes streams that nobody wants any more: those of cameras that are not configured any more, and those that a Keeper had to
// leave. Its methods may be called from any goroutine.
type Janitor struct {
	Journal *Journal
	Metrics *JanitorMetrics
	Log     *zap.Logger

	working sync.WaitGroup
}

// Release deletes the stream of a journal entry that no Keeper holds, in the background, and tries again and again until it is gone or
// its lease has run out by itself. Then the journal forgets it and done is called, which may be nil. api is nil when there is no key left
// to delete it with. When ctx ends first, the entry stays for the next start and done is not called.
func (j *Janitor) Release(ctx context.Context, api API, e Entry, done func()) {
	j.Journal.giveUp(e)
	j.working.Go(func() {
		defer guard.Catch(func(broken *guard.Panic) {
			j.Log.Error("deleting an orphan has failed, the next start will try", zap.String("stream", e.ID), zap.Error(broken))
		})
		if j.release(ctx, api, e) && done != nil {
			done()
		}
	})
}

// Wait blocks until nothing is being deleted any more.
func (j *Janitor) Wait() { j.working.Wait() }

// release tells whether the stream is gone. What kind of refusal a DELETE met does not matter: none of them proves that it is.
func (j *Janitor) release(ctx context.Context, api API, e Entry) bool {
	log := j.Log.With(zap.String("stream", e.ID), zap.String("camera", e.Camera), zap.String("key", e.Key))
	pause := retry.NewPause(time.Second, time.Minute)
	for first := true; ; first = false {
		err := remove(ctx, api, e)
		if ctx.Err() != nil && err != nil {
			return false
		}
		remaining := j.Journal.Remaining(e)
		switch {
		case err == nil:
			j.Journal.Forget(e)
			j.Metrics.deleted.Inc()
			log.Info("orphan deleted")
			return true
		case remaining == 0:
			j.Journal.Forget(e)
			j.Metrics.expired.Inc()
			log.Warn("orphan forgotten: its lease has run out", zap.Error(err))
			return true
		case first:
			log.Warn("an orphan cannot be deleted, will retry", zap.Duration("until_it_ends", remaining), zap.Error(err))
		}
		if !retry.Sleep(ctx, min(remaining, max(pause.Next(), delay(err)))) {
			return false
		}
	}
}

var errNoKey = errors.New("there is no key to delete it with")

// remove deletes a stream if it can. An intent has no id to delete it by.
func remove(ctx context.Context, api API, e Entry) error {
	if api == nil || e.ID == "" {
		return errNoKey
	}
	return api.Delete(ctx, e.ID, e.Region)
}

// delay is the pause that the service asks for by an error.
func delay(err error) time.Duration {
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		return e.Delay()
	}
	return 0
}

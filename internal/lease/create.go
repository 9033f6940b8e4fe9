package lease

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"go.uber.org/zap"
)

// usualTTL is the lease of a new stream by the API's documentation, where no answer has told another one.
const usualTTL = 300 * time.Second

// create makes one attempt. The journal knows of it before the service does, and knows the stream's id before anybody uses it. When ctx
// ends meanwhile, a stream is returned nonetheless, to be released.
func (k *Keeper) create(ctx context.Context, api API, at Place) (*Lease, error) {
	k.Part.Set("creating", nil)
	e := k.Journal.intend(at, k.expectedTTL(at.Key))
	if ctx.Err() != nil { // the disk was slow
		k.Journal.drop(e)
		return nil, nil
	}
	stream, err := createToTheEnd(ctx, api)
	if err != nil {
		return nil, k.notCreated(ctx, api, e, stream, err)
	}
	k.ttl = stream.TTL
	l := newLease(k.Journal.created(e, stream), stream, stream.TTL+slack)
	k.Metrics.created.Inc()
	k.Log.Info("stream created", zap.String("stream", stream.ID), zap.String("key", at.Key), zap.Duration("ttl", stream.TTL))
	return l, nil
}

// expectedTTL is the lease that a create on the key will give: what the service told last, to this camera, to any, or in its documentation.
func (k *Keeper) expectedTTL(key string) time.Duration {
	return cmp.Or(k.ttl, k.Journal.longestTTL(key), usualTTL)
}

// createToTheEnd creates a stream and, when ctx ends meanwhile, still waits a little for the answer: a create cut off half-way may leave a
// stream that nobody releases.
func createToTheEnd(ctx context.Context, api API) (overshoot.Stream, error) {
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(lastWord, cancel) })
	defer stop()
	return api.Create(patient)
}

// notCreated turns the failure of a create into what Run returns, and the intent into what is known now.
func (k *Keeper) notCreated(ctx context.Context, api API, e Entry, s overshoot.Stream, err error) error {
	k.refused(err)
	wait := k.brake.wait
	if s.ID != "" { // it exists, but is of no use to us
		s.TTL = max(s.TTL, k.expectedTTL(e.Key))
		e = k.Journal.created(e, s)
		if gone := k.release(ctx, api, e); gone != nil {
			return &Left{Entry: e, Err: errors.Join(err, gone), For: k.Journal.Remaining(e), Retry: wait()}
		}
		return &Failed{Err: err, Retry: wait()}
	}
	if answer, ok := errors.AsType[*overshoot.Error](err); ok && !answer.OutcomeUnknown() {
		k.Journal.Forget(e)
		return &Failed{Err: err, Retry: wait()}
	}
	return &Unknown{Err: err, For: k.Journal.doubt(e), Retry: wait()}
}

// refused shows why a create failed.
func (k *Keeper) refused(err error) {
	k.Metrics.createFailures.Inc()
	if answer, ok := errors.AsType[*overshoot.Error](err); ok {
		k.brake.pullFor(answer)
	} else {
		k.brake.pull()
	}
	k.Part.Set(stateFor(err, "creating"), err)
}

// stateFor returns the state that shows a refusal which only a person ends, or else the usual one.
func stateFor(err error, usual string) string {
	switch overshoot.ActionOf(err) {
	case overshoot.ActionStop, overshoot.ActionFix:
		return "refused"
	case overshoot.ActionPause:
		return "paused"
	default:
		return usual
	}
}

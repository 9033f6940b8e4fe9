package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// Kind is the part of the status board that shows a lease. idle: the camera delivers nothing worth a stream; waiting: for a slot;
// creating; active; renewing: a keepalive failed and the lease still runs; paused: the account has no credit; refused: the service does
// not take the key or the request.
var Kind = status.Kind{Name: "lease", States: []string{"idle", "waiting", "creating", "active", "renewing", "paused", "refused"}}

// Unknown ends Keeper.Run when a create failed in a way that may have left a stream behind, unknown to us.
type Unknown struct {
	For time.Duration // until then the stream may take a slot
	Err error
}

func (u *Unknown) Error() string {
	return "a stream may have been created without an answer: " + u.Err.Error()
}
func (u *Unknown) Unwrap() error { return u.Err }

const (
	// newLease is the lease of a new stream by the API's documentation, where no answer has told another one.
	newLease = 300 * time.Second
	// lastWord bounds what still has to be said to the service when we are told to stop.
	lastWord = 4 * time.Second
)

// A Keeper holds one stream after another for one camera. Run is called by one goroutine at a time.
type Keeper struct {
	// Use does the work that needs a stream. It blocks until ctx ends, which it does with the lease, and has left the room when it returns.
	Use     func(ctx context.Context, l *Lease)
	Part    *status.Part // of Kind
	Metrics *Metrics
	Log     *zap.Logger

	failures int                               // creates that failed in a row
	pauses   map[overshoot.Action]*retry.Pause // for refusals that only a person ends
	ttl      time.Duration                     // of the newest stream
}

// Run creates a stream and holds it, again and again, until ctx ends; then it releases the stream and returns nil. It returns
// *Unknown when the slot may be taken by a stream that we do not know.
func (k *Keeper) Run(ctx context.Context, api API) error {
	for ctx.Err() == nil {
		stream, err := k.create(ctx, api)
		if err == nil {
			k.hold(ctx, api, stream)
		} else if _, unknown := errors.AsType[*Unknown](err); unknown {
			return err
		}
	}
	return nil
}

// create tries until a stream is there. It returns an error when ctx has ended or the outcome of a create is unknown.
func (k *Keeper) create(ctx context.Context, api API) (overshoot.Stream, error) {
	for {
		k.Part.Set("creating", nil)
		stream, err := createToTheEnd(ctx, api)
		if err == nil {
			k.failures, k.pauses, k.ttl = 0, nil, stream.TTL
			k.Metrics.created.Inc()
			return stream, nil
		}
		if stream.ID != "" { // it exists, but is of no use to us
			k.release(ctx, api, stream)
		} else if e, ok := errors.AsType[*overshoot.Error](err); ok && e.OutcomeUnknown() {
			return stream, k.unknown(ctx, err)
		}
		if ctx.Err() != nil {
			return stream, ctx.Err()
		}
		pause := k.refused(err)
		if !retry.Sleep(ctx, pause) {
			return stream, ctx.Err()
		}
	}
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

// unknown waits as after any other failure, or each of several slots would be spent on a try at once. Meanwhile the slot is kept.
func (k *Keeper) unknown(ctx context.Context, err error) error {
	lease, began := newLease, time.Now()
	if k.ttl > 0 {
		lease = k.ttl
	}
	retry.Sleep(ctx, k.refused(err))
	return &Unknown{For: max(0, lease-time.Since(began)), Err: err}
}

// refused shows why a create failed and tells how long to wait before the next. Creating is not idempotent and may leave a stream
// behind, so after the second failure there is one a minute at most.
func (k *Keeper) refused(err error) time.Duration {
	k.failures++
	k.Metrics.createFailures.Inc()
	var pause time.Duration
	switch action := overshoot.ActionOf(err); action {
	case overshoot.ActionPause:
		k.Part.Set("paused", err)
		pause = k.pauseFor(action, 5*time.Minute, 30*time.Minute)
	case overshoot.ActionStop, overshoot.ActionFix:
		k.Part.Set("refused", err)
		pause = k.pauseFor(action, time.Minute, 15*time.Minute)
	default:
		k.Part.Set("creating", err)
		pause = jitter(time.Second)
		if k.failures > 1 {
			pause = time.Minute + rand.N(15*time.Second)
		}
	}
	if e, ok := errors.AsType[*overshoot.Error](err); ok {
		pause = max(pause, e.Delay())
	}
	return pause
}

func (k *Keeper) pauseFor(action overshoot.Action, first, longest time.Duration) time.Duration {
	if k.pauses == nil {
		k.pauses = map[overshoot.Action]*retry.Pause{}
	}
	if k.pauses[action] == nil {
		k.pauses[action] = retry.NewPause(first, longest)
	}
	return k.pauses[action].Next()
}

// hold keeps a stream and runs Use under it, until the lease is lost or ctx ends. In the second case the stream is deleted, after Use
// has left the room: the other order races with the service closing it.
func (k *Keeper) hold(ctx context.Context, api API, stream overshoot.Stream) {
	under, end := context.WithCancel(ctx)
	defer end()
	l := &Lease{ID: stream.ID, stream: stream, renewals: make(chan chan error), ended: under.Done()}
	k.Part.Set("active", nil)
	k.Part.Well()
	k.Part.Detail("stream", stream.ID)
	k.Metrics.active.Set(1)
	defer k.Metrics.active.Set(0)
	defer k.Part.Detail("stream", "")

	used := make(chan struct{})
	go func() {
		defer close(used)
		k.Use(under, l)
	}()
	err := (&renewer{keeper: k, api: api, lease: l}).run(under)
	end()
	<-used
	if err == nil {
		k.release(ctx, api, l.newest())
		return
	}
	k.Metrics.lost.Inc()
	k.Part.Set("creating", fmt.Errorf("the stream was lost, making a new one: %w", err))
}

// release deletes a stream, whatever ctx says, because one that is left behind takes a slot for minutes.
func (k *Keeper) release(ctx context.Context, api API, s overshoot.Stream) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	pause := retry.NewPause(300*time.Millisecond, time.Second)
	for {
		err := api.Delete(ctx, s.ID, s.Region)
		if err == nil {
			k.Log.Info("stream released", zap.String("stream", s.ID))
			return
		}
		if overshoot.ActionOf(err) != overshoot.ActionRetry || !pause.Wait(ctx) {
			k.Log.Warn("the stream could not be deleted; it ends by itself when its lease runs out",
				zap.String("stream", s.ID), zap.Duration("after", s.TTL), zap.Error(err))
			return
		}
	}
}

// jitter spreads d by a tenth either way.
func jitter(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

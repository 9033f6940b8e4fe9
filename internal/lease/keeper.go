package lease

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// Kind is the part of the status board that shows a lease. idle: the camera delivers nothing worth a stream; waiting: for a slot;
// creating; active; renewing: it is not sure that the stream lives, because a keepalive failed or an adopted one had none yet; paused: the
// account has no credit; refused: the service does not take the key or the request.
var Kind = status.Kind{Name: "lease", States: []string{"idle", "waiting", "creating", "active", "renewing", "paused", "refused"}}

// lastWord bounds what still has to be said to the service when we are told to stop.
const lastWord = 3 * time.Second

// A Keeper holds one stream after another for one camera, and lives as long as the camera does: it remembers when it may create the next.
// Run is called by one goroutine at a time.
type Keeper struct {
	// Use does the work that needs a stream. It blocks until ctx ends, which it does with the lease, and has left the room when it
	// returns. An earlier return, or a panic, is a failure.
	Use func(ctx context.Context, l *Lease) error
	// Keep tells by the cause with which Run's context ended whether the stream stays for the next Run, maybe of another process. nil:
	// it never does.
	Keep func(cause error) bool
	// Woken returns a channel that is closed when the machine wakes up the next time; wake.Bell has it. nil: it never sleeps.
	Woken func() <-chan struct{}

	Journal *Journal
	Part    *status.Part // of Kind
	Metrics *Metrics
	Log     *zap.Logger

	brake brake
	ttl   time.Duration // of the newest stream
}

// A Place says whose stream it is.
type Place struct {
	Camera      string
	Key         string // its name
	Fingerprint string // of the key's text, "" when not known; for people: a key of that name with a new text may still own the stream
}

// Run adopts the stream that the journal has of this camera on this key, or creates one, and holds it; a lost one is replaced at once,
// unless it had ended before it was adopted. It blocks, and returns
//   - nil when ctx has ended and there is no stream: it is deleted, or there never was one; or it is kept in the journal, because Keep said so;
//   - *Failed, *Unknown or *Left, never wrapped, when the camera has no stream now;
//   - the error of Use, such as a *guard.Panic, when that has failed: the stream lives on in the journal and the next Run adopts it.
func (k *Keeper) Run(ctx context.Context, api API, at Place) error {
	for {
		l, err := k.obtain(ctx, api, at)
		if l == nil {
			return err
		}
		lost, broken := k.hold(ctx, api, l)
		switch {
		case lost != nil:
			k.lose(l, lost)
			if l.adopted && !l.renewed && broken == nil {
				return &Failed{Err: lost} // whether the camera still deserves one is for others to find out
			}
		case ctx.Err() != nil:
			return k.finish(ctx, api, l, broken)
		}
		if broken != nil {
			return broken
		}
	}
}

// Adopts tells whether the journal has a stream that a Run for this camera would adopt, given a slot on its key.
func (k *Keeper) Adopts(camera string) bool {
	_, ok := k.Journal.Adoptable(camera)
	return ok
}

// obtain returns a stream of the journal or a new one. It returns neither a stream nor an error when ctx has ended.
func (k *Keeper) obtain(ctx context.Context, api API, at Place) (*Lease, error) {
	if e, ok := k.Journal.adoptableOn(at); ok {
		return k.adopt(e), nil
	}
	if wait := k.brake.wait(); wait > atOnce {
		return nil, &Failed{Err: errors.New("the next try is not due yet"), Retry: wait}
	} else if !retry.Sleep(ctx, wait) {
		return nil, nil
	}
	return k.create(ctx, api, at)
}

// adopt makes a lease of a stream from the journal: one whose keepalive is due now, and which has no grant yet.
func (k *Keeper) adopt(e Entry) *Lease {
	remaining := k.Journal.Remaining(e)
	l := newLease(e, overshoot.Stream{
		ID: e.ID, Region: e.Region, TTL: e.TTL, SentAt: time.Now().Add(min(0, remaining-e.TTL)),
	}, remaining)
	l.adopted = true
	return l
}

// hold keeps a stream and runs Use under it, until the lease is lost, Use fails or ctx ends. Use has returned when it does. In the journal
// the stream stays.
func (k *Keeper) hold(ctx context.Context, api API, l *Lease) (lost, broken error) {
	if ctx.Err() != nil {
		return nil, nil
	}
	under, end := context.WithCancel(ctx)
	l.ended = under.Done()
	defer k.show(l)()

	used := make(chan error, 1)
	go func() {
		defer end()
		used <- k.use(under, l)
	}()
	defer func() { // also when the renewer panics: nothing may go on with the stream then
		end()
		broken = <-used
		l.entry = k.Journal.seen(l.entry, l.newest(), time.Until(l.over))
	}()
	return (&renewer{keeper: k, api: api, lease: l}).run(under), nil
}

// use runs Use and returns an error if it failed, other than by the end of its context.
func (k *Keeper) use(ctx context.Context, l *Lease) error {
	err := guard.Run(func() error { return k.Use(ctx, l) })
	if _, panicked := errors.AsType[*guard.Panic](err); panicked {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return nil
	case err == nil:
		return errors.New("the work on the stream ended by itself")
	default:
		return err
	}
}

// show puts a lease on the board, until it is taken off.
func (k *Keeper) show(l *Lease) (takeOff func()) {
	if l.adopted {
		k.Part.Set("renewing", nil)
	} else {
		k.Part.Set("active", nil)
		k.Part.Well()
	}
	k.Part.Detail("stream", l.ID)
	k.Metrics.hold(l.newest())
	return func() {
		k.Part.Detail("stream", "")
		k.Metrics.letGo()
	}
}

// renewed notes a keepalive that worked.
func (k *Keeper) renewed(l *Lease, s overshoot.Stream) {
	l.replace(s)
	l.mayLive(s.TTL + slack)
	if l.adopted && !l.renewed {
		k.Metrics.adopted.Inc()
		k.Log.Info("stream adopted", zap.String("stream", l.ID), zap.Duration("ttl", s.TTL))
	}
	l.renewed = true
	k.brake.release()
	k.ttl = s.TTL
	k.Part.Set("active", nil)
	k.Part.Well()
	k.Metrics.hold(s)
}

// lose forgets a stream that is no more. One that was lost before it was renewed once counts like a create that failed, or a service that
// loses each new stream would be asked for another without end.
func (k *Keeper) lose(l *Lease, why error) {
	k.Log.Warn("stream lost", zap.String("stream", l.ID), zap.Error(why))
	k.Metrics.lost.Inc()
	k.Part.Set("creating", fmt.Errorf("the stream was lost, making a new one: %w", why))
	k.Journal.drop(l.entry)
	if !l.adopted && !l.renewed {
		k.brake.pull()
	}
}

// finish deletes a stream or keeps it, as the end of ctx wants it. broken, if any, is what Use failed with on its way out.
func (k *Keeper) finish(ctx context.Context, api API, l *Lease, broken error) error {
	if !l.adopted {
		k.brake.release() // the create has worked, whatever became of the stream
	}
	if k.Keep != nil && k.Keep(context.Cause(ctx)) {
		k.Log.Info("stream kept", zap.String("stream", l.ID))
		return broken
	}
	if err := k.release(ctx, api, l.entry); err != nil {
		return &Left{Entry: l.entry, Err: errors.Join(err, broken), For: max(0, time.Until(l.over))}
	}
	return broken
}

// release deletes a stream, whatever ctx says, because one that is left behind takes a slot for minutes. Only then the journal forgets it.
func (k *Keeper) release(ctx context.Context, api API, e Entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWord)
	defer cancel()
	k.Journal.giveUp(e)
	pause := retry.NewPause(300*time.Millisecond, time.Second)
	for {
		err := api.Delete(ctx, e.ID, e.Region)
		if err == nil {
			k.Journal.Forget(e)
			k.Metrics.released.Inc()
			k.Log.Info("stream released", zap.String("stream", e.ID))
			return nil
		}
		if overshoot.ActionOf(err) != overshoot.ActionRetry || !pause.Wait(ctx) {
			k.Log.Warn("the stream could not be deleted", zap.String("stream", e.ID), zap.Error(err))
			return err
		}
	}
}

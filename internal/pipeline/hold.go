package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"golang.org/x/sync/errgroup"
)

// hold takes a slot and has a stream in it until the camera has been dark for long, the slot is recalled or ctx ends.
func (p *Pipeline) hold(ctx context.Context) error {
	place, err := p.acquire(ctx)
	if guard.Panicked(err) {
		return err
	}
	if err != nil {
		return nil // the camera went dark while it waited, or ctx ended
	}
	held, end := context.WithCancelCause(ctx)
	defer end(nil)
	var watching sync.WaitGroup
	watching.Go(func() {
		defer guard.Catch(func(broken *guard.Panic) { end(broken) })
		end(p.watchSlot(held, place))
	})
	key := place.Key()
	p.Keeper.Part.Detail("key", key.Name)
	defer p.Keeper.Part.Detail("key", "")
	p.Keeper.Use = func(ctx context.Context, l *lease.Lease) error { return p.use(ctx, l, key) }
	err = p.Keeper.Run(held, key.Client, lease.Place{Camera: p.Camera, Key: key.Name, Fingerprint: key.Fingerprint()})
	cause := context.Cause(held)
	end(nil)
	watching.Wait()
	return p.giveBack(ctx, place, err, cause)
}

// patience is for how long a camera may be dark and still wait for a slot.
const patience = 10 * time.Second

// acquire waits for a slot, and gives up when the camera is dark meanwhile: others can use it better.
func (p *Pipeline) acquire(ctx context.Context) (_ *slot.Slot, err error) {
	ctx, cancel := context.WithCancel(ctx)
	var place atomic.Pointer[string] // among those who wait; shown by us, because the pool tells it with its lock held
	var waiting errgroup.Group
	guard.Go(&waiting, func() error {
		defer cancel()
		p.wait(ctx, &place)
		return nil
	})
	defer func() {
		cancel()
		err = cmp.Or(waiting.Wait(), err)
	}()
	return p.Pool.Acquire(ctx, slot.Claim{Camera: p.Camera, Priority: p.Priority, Waiting: func(rank, of int) {
		text := fmt.Sprintf("waiting for a slot (rank %d of %d)", rank, of)
		place.Store(&text)
	}})
}

// wait shows the camera's place until ctx ends or the camera is dark for too long.
func (p *Pipeline) wait(ctx context.Context, place *atomic.Pointer[string]) {
	defer p.Keeper.Part.Detail("slot", "")
	log, shown := p.Log.Info, "" // only the first place is news
	for retry.Sleep(ctx, nextLook()) && p.Hub.PictureAge() <= patience {
		if now := place.Load(); now != nil && *now != shown {
			shown = *now
			p.Keeper.Part.Set("waiting", nil)
			p.Keeper.Part.Detail("slot", shown)
			log(shown)
			log = p.Log.Debug
		}
	}
}

// errDark ends a stream whose camera shows nothing for long.
var errDark = errors.New("the camera delivers no pictures")

// watchSlot returns why the slot has to be given back, or when ctx ends.
func (p *Pipeline) watchSlot(ctx context.Context, place *slot.Slot) error {
	tick := time.NewTimer(nextLook())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-place.Recalled():
			return place.Reason()
		case <-tick.C:
			tick.Reset(nextLook())
			age := p.Hub.PictureAge()
			place.Dark(age > dark)
			if age > p.Hold {
				return errDark
			}
		}
	}
}

// giveBack returns the slot as the stream was left. Where the stream stays, so does the slot, for the next life of the camera.
func (p *Pipeline) giveBack(ctx context.Context, place *slot.Slot, err, cause error) error {
	switch left := err.(type) {
	case nil:
		if !p.keeps(cause) || !p.Keeper.Adopts(p.Camera) {
			place.Release()
		}
		if guard.Panicked(cause) {
			return cause
		}
	case *lease.Left:
		p.Abandon(left.Entry)
		place.Release()
		retry.Sleep(ctx, left.Retry)
	case *lease.Unknown:
		p.Pool.Refused(place.Key().Name, left.Err)
		place.ReleaseAfter(left.For)
		retry.Sleep(ctx, left.Retry)
	case *lease.Failed:
		p.Pool.Refused(place.Key().Name, left.Err)
		place.Release()
		retry.Sleep(ctx, left.Retry)
	default: // the work failed, and the next life goes on with the stream if it is still there
		if !p.Keeper.Adopts(p.Camera) {
			place.Release()
		}
		return err
	}
	return nil
}

// keeps tells whether the stream stays when the context has ended with this cause.
func (p *Pipeline) keeps(cause error) bool { return guard.Panicked(cause) || p.Keep(cause) }

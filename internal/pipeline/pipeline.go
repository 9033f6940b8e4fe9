// Package pipeline is one camera from lens to lease. Its parts do not die together: the source comes back on its own while the stream
// stays, the publisher rejoins while the lease stays, and a lost lease makes a new stream while the camera plays on.
package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"golang.org/x/sync/errgroup"
)

// A Pipeline is a supervisor.Unit: it runs one camera until its context ends, and has released the stream when Run returns.
type Pipeline struct {
	Priority int
	Hold     time.Duration // for how long a dark camera keeps its stream

	Hub       *hub.Hub
	Source    *camera.Loop
	Pool      *lease.Pool
	Keeper    *lease.Keeper // its Use is set by Run
	Publisher *publish.Loop
	Watchers  []*watch.Watcher

	sight sight
}

// Run implements supervisor.Unit.
func (p *Pipeline) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Source.Run(ctx) })
	group.Go(func() error { return p.stream(ctx) })
	return group.Wait()
}

// stream has a stream for as long as the camera delivers, and a little longer.
func (p *Pipeline) stream(ctx context.Context) error {
	for {
		p.Keeper.Part.Set("idle", nil)
		if !p.waitLive(ctx) {
			return ctx.Err()
		}
		if err := p.whileLive(ctx, p.holdStream); err != nil && ctx.Err() == nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// dark is the age of the newest picture from which a camera that never had a stream counts as not delivering.
const dark = time.Second

// look is how often the pipeline looks at what passes by itself.
const look = 50 * time.Millisecond

// waitLive blocks until the camera delivers pictures, and reports false when ctx ended before.
func (p *Pipeline) waitLive(ctx context.Context) bool {
	for before := p.Hub.Counts().Pictures; p.Hub.Counts().Pictures == before || p.Hub.PictureAge() > dark; {
		if !retry.Sleep(ctx, look) {
			return false
		}
	}
	return true
}

// whileLive runs f in a context that ends when the camera has been dark for the hold time.
func (p *Pipeline) whileLive(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for retry.Sleep(ctx, look) {
			if p.Hub.PictureAge() > p.Hold {
				cancel()
			}
		}
	}()
	return f(ctx)
}

// holdStream takes a slot and keeps a stream in it until ctx ends.
func (p *Pipeline) holdStream(ctx context.Context) error {
	for {
		p.Keeper.Part.Set("waiting", nil)
		slot, err := p.Pool.Acquire(ctx, p.Priority, func(rank, of int) {
			p.Keeper.Part.Detail("waiting", fmt.Sprintf("rank %d of %d", rank, of))
		})
		p.Keeper.Part.Detail("waiting", "")
		if err != nil {
			return nil
		}
		p.Keeper.Part.Detail("key", slot.Key.Name)
		p.Keeper.Use = func(ctx context.Context, l *lease.Lease) { p.use(ctx, l, slot.Key.Client) }
		err = p.Keeper.Run(ctx, slot.Key.Client)
		p.Keeper.Part.Detail("key", "")
		if unknown, ok := errors.AsType[*lease.Unknown](err); ok {
			slot.ReleaseAfter(unknown.For)
			continue
		}
		slot.Release()
		return err
	}
}

// use publishes to a stream and asks about it until ctx ends. The questions stop before the room is left.
func (p *Pipeline) use(ctx context.Context, l *lease.Lease, client *overshoot.Client) {
	publishing, leave := context.WithCancel(context.WithoutCancel(ctx))
	var left sync.WaitGroup
	left.Go(func() { p.Publisher.Run(publishing, l) })

	var asking sync.WaitGroup
	p.sight.close()
	asking.Go(func() { p.sight.watch(ctx, client, l, p.Publisher, p.Hub) })
	for _, w := range p.Watchers {
		w.Fresh = p.sight.clear
		asking.Go(func() { w.Run(ctx, client, l, l.ID) })
	}
	asking.Wait()
	leave()
	left.Wait()
}

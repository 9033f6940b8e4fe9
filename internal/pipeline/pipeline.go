// Package pipeline is one camera from lens to lease. Its parts do not die together: the source comes back on its own while the stream
// stays, the publisher rejoins while the lease stays, and a lost lease makes a new stream while the camera plays on.
package pipeline

import (
	"context"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// A Pipeline is a supervisor.Unit: it runs one camera until its context ends. When Run returns, the stream is released, or kept for the
// next life of the camera.
type Pipeline struct {
	Camera   string
	Priority int
	Hold     time.Duration // for how long a dark camera keeps its stream

	Hub       *hub.Hub
	Source    *camera.Loop
	Pool      *slot.Pool
	Keeper    *lease.Keeper // its Use and Keep are set by Run
	Publisher *publish.Loop
	Watchers  []*watch.Watcher
	Log       *zap.Logger

	// Keep tells by the cause with which the context ended whether the stream stays for the next life of the camera.
	Keep func(cause error) bool
	// Abandon is called when a stream could not be deleted: somebody else has to, and its slot is not free before.
	Abandon func(lease.Entry)

	sight sight
}

// Run implements supervisor.Unit.
func (p *Pipeline) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	guard.Go(group, func() error { return p.Source.Run(ctx) })
	guard.Go(group, func() error { return p.stream(ctx) })
	return group.Wait()
}

// dark is the age of the newest picture from which a camera counts as not delivering.
const dark = time.Second

// look is how often the pipeline looks at what passes by itself.
const look = 50 * time.Millisecond

// nextLook is how long it is until the next look. All cameras look at the same moments: waking up for it costs more than looking.
func nextLook() time.Duration { return look - time.Duration(time.Now().UnixNano())%look }

// stream has a stream for as long as the camera delivers, and a little longer. A stream from an earlier life needs no picture to go on.
func (p *Pipeline) stream(ctx context.Context) error {
	p.Keeper.Keep = p.keeps
	if !p.Keeper.Adopts(p.Camera) {
		p.Pool.Forget(p.Camera) // should an earlier life have ended between slot and stream
	}
	for ctx.Err() == nil {
		if !p.Keeper.Adopts(p.Camera) {
			p.Keeper.Part.Set("idle", nil)
			if !p.waitLive(ctx) {
				break
			}
		}
		if err := p.hold(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// waitLive blocks until the camera delivers pictures, and reports false when ctx ended before.
func (p *Pipeline) waitLive(ctx context.Context) bool {
	for before := p.Hub.Counts().Pictures; p.Hub.Counts().Pictures == before || p.Hub.PictureAge() > dark; {
		if !retry.Sleep(ctx, nextLook()) {
			return false
		}
	}
	return true
}

// use publishes to a stream and asks about it until ctx ends. The questions stop before the room is left.
func (p *Pipeline) use(ctx context.Context, l *lease.Lease, key slot.Key) error {
	if l.Grant().Token != "" {
		p.Pool.Accepted(key.Name)
	}
	publishing, leave := context.WithCancel(context.WithoutCancel(ctx))
	group, ctx := errgroup.WithContext(ctx)
	guard.Go(group, func() error { return p.Publisher.Run(publishing, l) })
	guard.Go(group, func() error {
		defer leave()
		return p.ask(ctx, l, key.Client)
	})
	return group.Wait()
}

// ask asks all questions while fresh pictures arrive, until ctx ends.
func (p *Pipeline) ask(ctx context.Context, l *lease.Lease, client *overshoot.Client) error {
	group, ctx := errgroup.WithContext(ctx)
	p.sight.close()
	guard.Go(group, func() error { p.sight.watch(ctx, client, l, p.Publisher, p.Hub); return nil })
	for _, w := range p.Watchers {
		w.Fresh = p.sight.clear
		guard.Go(group, func() error { w.Run(ctx, client, l, l.ID); return nil })
	}
	return group.Wait()
}

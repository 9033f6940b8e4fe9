package app

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/pipeline"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/publish/livekit"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"go.uber.org/zap"
)

// units are the cameras to run.
func (a *agent) units() []supervisor.Spec {
	var specs []supervisor.Spec
	for _, c := range a.Plan.Config.Cameras {
		if !c.Enabled {
			continue
		}
		specs = append(specs, supervisor.Spec{
			Name: c.Name, Value: c, New: func() supervisor.Unit { return a.camera(c) },
			Equal: func(old supervisor.Spec) bool { return c.Equal(old.Value.(config.Camera)) },
		})
	}
	return specs
}

// camera builds one camera from lens to lease.
func (a *agent) camera(c config.Camera) *pipeline.Pipeline {
	log := a.Log.With(zap.String("camera", c.Name))
	feed := hub.New(a.metrics.hub.Camera(c.Name))
	publishing := a.metrics.publish.Camera(c.Name)
	return &pipeline.Pipeline{
		Priority: c.Priority, Hold: time.Duration(c.Hold), Hub: feed, Pool: a.pool,
		Source: &camera.Loop{
			Source: a.Plan.sources[c.Name], Hub: feed, StallAfter: time.Duration(c.StallAfter),
			Part: a.board.Add(c.Name, camera.Kind), Metrics: a.metrics.camera.Camera(c.Name),
		},
		Keeper: &lease.Keeper{Part: a.board.Add(c.Name, lease.Kind), Metrics: a.metrics.lease.Camera(c.Name), Log: log},
		Publisher: &publish.Loop{
			Publisher: &livekit.Publisher{Metrics: publishing, Scrub: a.Scrubber.Scrub},
			Attach:    feed.Attach, Part: a.board.Add(c.Name, publish.Kind), Metrics: publishing,
		},
		Watchers: a.watchers(c),
	}
}

func (a *agent) watchers(c config.Camera) []*watch.Watcher {
	var all []*watch.Watcher
	for _, name := range c.Watches {
		spec, ok := a.Plan.Config.Watch(name)
		if !ok {
			continue // config has checked the names
		}
		all = append(all, &watch.Watcher{
			Spec: spec, Accept: a.router.Accept, Stamp: func(r *result.Result) { a.stamp(r, c, spec) },
			Part: a.board.Add(c.Name, watch.KindOf(name)), Metrics: a.metrics.watch.Watch(c.Name, name),
		})
	}
	return all
}

// stamp makes a result one of ours. From here on it counts: its number is taken.
func (a *agent) stamp(r *result.Result, c config.Camera, w config.Watch) {
	r.ID, r.Sequence = result.NewID(), a.sequences.Next(c.Name, w.Name)
	r.Agent, r.Camera, r.Watch, r.Labels = a.Plan.Config.Agent.Name, c.Name, w.Name, c.Labels
}

// longestWatch is the bound of a chat call; each watch has its own below it.
func longestWatch(watches []config.Watch) time.Duration {
	var longest time.Duration
	for _, w := range watches {
		longest = max(longest, time.Duration(w.Timeout))
	}
	return longest
}

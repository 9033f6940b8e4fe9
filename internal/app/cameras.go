package app

import (
	"errors"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/pipeline"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/publish/livekit"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/snapshot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"go.uber.org/zap"
)

// scene is one camera of a plan, with all that its unit is built from.
type scene struct {
	camera config.Camera
	plan   *Plan
}

// equal tells whether a unit built from the other would be the same.
func (s scene) equal(other scene) bool {
	a, b := s.plan.Config, other.plan.Config
	return a.Agent == b.Agent && a.SameCamera(s.camera.Name, b)
}

// scenes are the cameras that shall run.
func (p *Plan) scenes() []scene {
	var all []scene
	for _, c := range p.Config.Cameras {
		if c.Enabled {
			all = append(all, scene{c, p})
		}
	}
	return all
}

// scene returns the one of this name, if it shall run.
func (p *Plan) scene(camera string) (scene, bool) {
	all := p.scenes()
	i := slices.IndexFunc(all, func(s scene) bool { return s.camera.Name == camera })
	if i < 0 {
		return scene{}, false
	}
	return all[i], true
}

// cameraUnits are the units of the cameras of a plan.
func (a *agent) cameraUnits(p *Plan) []supervisor.Spec {
	var specs []supervisor.Spec
	for _, s := range p.scenes() {
		specs = append(specs, supervisor.Spec{
			Name: s.camera.Name, Value: s, New: func() supervisor.Unit { return a.camera(s) },
			Equal: func(old supervisor.Spec) bool { return s.equal(old.Value.(scene)) },
			Ended: func(replaced bool) { a.forgetCamera(s.camera.Name, replaced) },
		})
	}
	return specs
}

// camera builds one camera from lens to lease.
func (a *agent) camera(s scene) *pipeline.Pipeline {
	c, name := s.camera, s.camera.Name
	log := a.Log.With(zap.String("camera", name))
	feed := hub.New(a.metrics.hub.Camera(name))
	a.seen.follow(name, feed)
	part, publishing := a.board.Add(name, camera.Kind), a.metrics.publish.Camera(name)
	publisher := &publish.Loop{
		Publisher: &livekit.Publisher{Metrics: publishing, Scrub: a.Scrubber.Scrub},
		Attach:    feed.Attach, Refresh: feed.Refresh, Parameters: feed.Parameters,
		Part: a.board.Add(name, publish.Kind), Metrics: publishing, Log: log,
	}
	intake := a.intake(c, feed, part, log)
	source := &camera.Loop{
		Source: s.plan.Source(name, log, a.Scrubber.Scrub), Intake: intake, Video: footage{feed, intake}, StallAfter: time.Duration(c.StallAfter),
		Part: part, Metrics: a.metrics.camera.Camera(name),
	}
	feed.AskKeyFrame = intake.KeyFrame
	feed.OnChange = func(_, _ []byte) { publisher.Changed() }
	feed.OnLongInterval = func(advice string) {
		log.Warn("key frames are far apart", zap.String("advice", advice))
		source.Advise(advice)
	}
	return &pipeline.Pipeline{
		Camera: name, Priority: c.Priority, Hold: time.Duration(c.Hold), Hub: feed, Pool: a.pool, Log: log,
		Keep:      func(cause error) bool { return errors.Is(cause, supervisor.ErrReplaced) || errors.Is(cause, errKeep) },
		Abandon:   a.abandon,
		Source:    source,
		Keeper:    a.keeper(name, log),
		Publisher: publisher,
		Watchers:  a.watchers(s, a.gallery.Camera(name, file.PathName(name), feed, log)),
	}
}

// footage tells how a camera's pictures come: those that are passed on by what the hub gets, those that are transcoded by what went in.
type footage struct {
	*hub.Hub
	intake *ingest.Intake
}

// PictureAge implements camera.Video.
func (f footage) PictureAge() time.Duration { return min(f.Hub.PictureAge(), f.intake.PictureAge()) }

// KeyAge implements camera.Video.
func (f footage) KeyAge() time.Duration { return min(f.Hub.KeyAge(), f.intake.KeyAge()) }

// intake makes of what a camera delivers what its hub takes.
func (a *agent) intake(c config.Camera, feed *hub.Hub, part *status.Part, log *zap.Logger) *ingest.Intake {
	return ingest.New(ingest.Options{
		Hub: feed, Transcode: c.Transcode, MaxHeight: c.MaxHeight, StallAfter: time.Duration(c.StallAfter), Encoders: a.encoders,
		Part: part, Log: log, Metrics: a.metrics.ingest.Camera(c.Name), Encoding: a.metrics.encode.Camera(c.Name),
	})
}

// keeper returns the one that a camera has over all its lives.
func (a *agent) keeper(camera string, log *zap.Logger) *lease.Keeper {
	a.mu.Lock()
	defer a.mu.Unlock()
	k := a.keepers[camera]
	if k == nil {
		k = &lease.Keeper{Journal: a.journal, Woken: a.wake.Woken, Log: log}
		a.keepers[camera] = k
	}
	k.Part, k.Metrics = a.board.Add(camera, lease.Kind), a.metrics.lease.Camera(camera)
	return k
}

func (a *agent) watchers(s scene, pictures *snapshot.Camera) []*watch.Watcher {
	var all []*watch.Watcher
	for _, name := range s.camera.Watches {
		w, ok := s.plan.Config.Watch(name)
		if !ok {
			continue // config has checked the names
		}
		all = append(all, &watch.Watcher{
			Spec: w, Accept: a.accept, Stamp: func(r *result.Result) { a.stamp(r, s, w) }, Snapshot: a.snapshots(w, pictures),
			Part: a.board.Add(s.camera.Name, watch.KindOf(name)), Metrics: a.metrics.watch.Watch(s.camera.Name, name),
		})
	}
	return all
}

// stamp makes a result one of ours. From here on it counts: its number is taken.
func (a *agent) stamp(r *result.Result, s scene, w config.Watch) {
	r.ID, r.Sequence = result.NewID(), a.spool.Sequences().Next(s.camera.Name, w.Name)
	r.Agent, r.Camera, r.Watch, r.Labels = s.plan.Config.Agent.Name, s.camera.Name, w.Name, s.camera.Labels
}

// forgetCamera takes a camera that has ended out of what we show; the next of its name puts itself there again. The stream of one that is
// gone for good is deleted, should its unit not have done so, before others get its slot.
func (a *agent) forgetCamera(name string, replaced bool) {
	a.board.Remove(name)
	a.metrics.forgetCamera(name)
	if replaced || a.filming.Err() != nil {
		return
	}
	for e, ok := a.journal.Adoptable(name); ok; e, ok = a.journal.Adoptable(name) {
		a.abandon(e)
	}
	a.pool.Forget(name)
	a.seen.forget(name)
	a.mu.Lock()
	delete(a.keepers, name)
	a.mu.Unlock()
}

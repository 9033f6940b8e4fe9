// Package app is the one place that knows every kind: it builds the agent from its configuration, wires it, changes it and stops it.
package app

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish/livekit"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/snapshot"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Options are what an agent is built from.
type Options struct {
	Plan     *Plan                 // what it starts with
	Load     func() (*Plan, error) // reads the configuration again
	Changed  func() bool           // whether it would read something else
	Reload   <-chan os.Signal      // each asks to read it
	Log      *zap.Logger
	Scrubber *secret.Scrubber
	Version  string
	// Notify tells the service manager about the agent, in the words of sd_notify(3).
	Notify func(state string)
	// Watchdog is how often the service manager wants a sign of life; 0 is never.
	Watchdog time.Duration
}

// errKeep is the cause with which the cameras end when their streams are to be there for the next start.
var errKeep = errors.New("the streams are kept for the next start")

// agent is everything that lives as long as the process.
type agent struct {
	Options
	registry  *prometheus.Registry
	metrics   metrics
	board     *status.Board
	server    *status.Server
	config    *status.Part
	spoolPart *status.Part
	keys      *keyring
	encoders  *encode.Encoders // what this machine can do, found out once for all cameras
	gallery   *snapshot.Gallery
	pool      *slot.Pool
	folder    *stateFolder
	journal   *lease.Journal
	janitor   *lease.Janitor
	wake      *wake.Bell
	spool     *spool.Spool
	accepting atomic.Pointer[spool.Receipt] // of the newest result
	cameras   *supervisor.Supervisor
	sinks     *supervisor.Supervisor
	requests  chan chan<- error // for a reload
	seen      sightings         // the newest picture of each camera

	life    context.Context // of everything
	filming context.Context // of the cameras

	mu      sync.Mutex
	plan    *Plan                    // the one that runs
	keepers map[string]*lease.Keeper // by camera: they remember, over its lives, when it may create the next stream
}

// Run runs the agent until ctx ends. Then it stops asking, leaves the rooms, deletes the streams and delivers what still waits. The error
// wraps statedir.ErrLocked when another agent has the state folder.
//
// The function is long on purpose: it is the life of the process from top to bottom.
func Run(ctx context.Context, o Options) error {
	c := o.Plan.Config
	livekit.TakeLogs(o.Log)
	a := newAgent(o)
	folder, err := a.openState(c.StateDir)
	if err != nil {
		return err
	}
	a.folder = folder
	defer folder.Close()
	if a.server, err = status.Listen(c.Status.Listen, a.pages(ctx)); err != nil {
		return err
	}

	life, end := context.WithCancel(context.WithoutCancel(ctx)) // to stop is work as well
	defer end()
	filming, stopFilming := context.WithCancelCause(life)
	defer stopFilming(nil)
	a.life, a.filming = life, filming
	if err := a.configure(o.Plan); err != nil {
		return err
	}
	var serving, services errgroup.Group
	serving.Go(a.server.Serve)
	services.Go(func() error { return a.pool.Run(life) })
	services.Go(func() error { return a.wake.Run(life) })
	services.Go(func() error {
		return a.gallery.Run(life, func() []snapshot.Folder { return a.running().snapshotFolders() })
	})
	a.openSpool(c)
	a.settle(o.Plan)
	a.apply(o.Plan)
	o.Log.Info("agent started", zap.String("version", o.Version), zap.String("agent", c.Agent.Name),
		zap.Int("cameras", len(c.Cameras)), zap.String("status", "http://"+a.server.Address()+"/status"))
	o.Notify("READY=1")
	defer context.AfterFunc(ctx, func() { stopFilming(a.farewell()) })() // at once, even in the middle of a reload
	a.loop(ctx)

	o.Notify("STOPPING=1")
	cause := a.farewell()
	keep := errors.Is(cause, errKeep)
	o.Log.Info("stopping: leaving the rooms", zap.Bool("streams_kept_for_the_next_start", keep))
	stopFilming(cause) // before Stop, which has a cause of its own
	a.cameras.Stop()
	if !keep {
		a.releaseRest()
	}
	a.stopSinks() // after the cameras: their last results count as well
	end()
	a.janitor.Wait()
	err = errors.Join(a.closeSpool(), services.Wait(), a.server.Close(), serving.Wait())
	o.Log.Info("stopped", zap.Error(err))
	return err
}

// farewell is the cause with which the cameras end when the process does.
func (a *agent) farewell() error {
	if a.running().Config.OnShutdown == config.ShutdownKeep {
		return errKeep
	}
	return nil
}

// newAgent makes the parts that need nothing but each other.
func newAgent(o Options) *agent {
	a := &agent{
		Options: o, plan: o.Plan, registry: prometheus.NewRegistry(),
		keepers: map[string]*lease.Keeper{}, requests: make(chan chan<- error),
	}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = newMetrics(a.registry, o.Version)
	a.board = status.NewBoard(o.Log, a.registry)
	a.config, a.spoolPart = a.board.Add(unit, configKind), a.board.Add(unit, spool.Kind)
	a.keys = newKeyring(overshoot.Options{
		BaseURL: o.Plan.Config.Overshoot.BaseURL, UserAgent: "overshoot-agent/" + o.Version, Metrics: a.metrics.api,
	}, o.Scrubber)
	a.encoders = Encoders(o.Scrubber.Scrub)
	a.gallery = snapshot.New(snapshot.Options{Program: "ffmpeg", Scrub: o.Scrubber.Scrub, Metrics: a.metrics.snapshot, Log: o.Log})
	a.pool = slot.NewPool(o.Log, a.board, a.metrics.slot)
	a.cameras = supervisor.New(o.Log, a.metrics.restarts, o.Scrubber.Scrub)
	a.sinks = supervisor.New(o.Log, a.metrics.restarts, o.Scrubber.Scrub)
	return a
}

// running returns the plan that runs.
func (a *agent) running() *Plan {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.plan
}

// Package app is the one place that knows every kind: it builds the agent from its configuration, wires it, and stops it.
package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish/livekit"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// Options are what an agent is built from.
type Options struct {
	Plan     *Plan
	Log      *zap.Logger
	Scrubber *secret.Scrubber
	Version  string
	// Notify tells the service manager about the agent, in the words of sd_notify(3).
	Notify func(state string)
}

// waiting is how many results one sink may be behind.
const waiting = 10_000

// drain is how long the sinks get at the end for what still waits.
const drain = 2 * time.Second

// agent is everything that lives as long as the process.
type agent struct {
	Options
	registry  *prometheus.Registry
	metrics   metrics
	board     *status.Board
	pool      *lease.Pool
	router    *sink.Router
	sequences *result.Sequences
}

// Run runs the agent until ctx ends. Then it stops asking, leaves the rooms, deletes the streams and delivers what still waits.
//
// The function is long on purpose: it is the life of the process from top to bottom.
func Run(ctx context.Context, o Options) error {
	a := &agent{Options: o, registry: prometheus.NewRegistry(), router: sink.NewRouter(), sequences: result.NewSequences()}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.metrics = newMetrics(a.registry, o.Version)
	a.board = status.NewBoard(o.Log, a.registry)
	livekit.TakeLogs(o.Log)
	if err := a.makePool(); err != nil {
		return err
	}
	server, err := status.Listen(o.Plan.Config.Status.Listen, a.board, a.registry, o.Plan.Config.Agent.Name, a.ready)
	if err != nil {
		return err
	}
	var serving, delivering errgroup.Group
	serving.Go(server.Serve)

	delivery, stopDelivery := context.WithCancel(context.WithoutCancel(ctx)) // outlives the cameras: their last results count as well
	defer stopDelivery()
	a.startSinks(delivery, &delivering)

	cameras := supervisor.New(o.Log, a.registry, o.Scrubber.Scrub)
	cameras.Apply(context.WithoutCancel(ctx), a.units())
	o.Log.Info("agent started", zap.String("version", o.Version), zap.String("agent", o.Plan.Config.Agent.Name),
		zap.Int("cameras", len(o.Plan.Config.Cameras)), zap.String("status", "http://"+server.Address()+"/status"))
	o.Notify("READY=1")
	a.report(ctx)

	o.Notify("STOPPING=1")
	o.Log.Info("stopping: leaving the rooms and releasing the streams")
	cameras.Stop()
	stopDelivery()
	err = errors.Join(delivering.Wait(), server.Close(), serving.Wait())
	o.Log.Info("stopped", zap.Error(err))
	return err
}

// report tells the service manager in one line how the cameras are, until ctx ends.
func (a *agent) report(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, line := a.ready()
			a.Notify("STATUS=" + line)
		}
	}
}

// makePool makes a client for each key and the pool of their slots.
func (a *agent) makePool() error {
	apiMetrics := overshoot.NewMetrics(a.registry)
	var keys []lease.Key
	for _, k := range a.Plan.Config.Overshoot.Keys {
		client, err := overshoot.New(overshoot.Options{
			BaseURL:   a.Plan.Config.Overshoot.BaseURL,
			UserAgent: "overshoot-agent/" + a.Version,
			Metrics:   apiMetrics,
			// Read at each call, so that a key that was changed in its file is used at once.
			Key: func() (string, error) {
				text, err := k.Read()
				a.Scrubber.Add(text)
				return text.Reveal(), err
			},
			ChatTimeout: longestWatch(a.Plan.Config.Watches),
		})
		if err != nil {
			return fmt.Errorf("overshoot: %w", err)
		}
		keys = append(keys, lease.Key{Name: k.Name, Slots: k.MaxStreams, Client: client})
	}
	a.pool = lease.NewPool(keys, lease.NewPoolMetrics(a.registry))
	return nil
}

// startSinks starts the delivery loop of each sink and routes the watches to their queues.
func (a *agent) startSinks(ctx context.Context, running *errgroup.Group) {
	queues := map[string]*spool.Memory{}
	for _, s := range a.Plan.Config.Sinks {
		queue := spool.NewMemory(waiting, a.metrics.spool.Sink(s.Name))
		queues[s.Name] = queue
		loop := &sink.Loop{
			Name: s.Name, Sink: a.Plan.sinks[s.Name], Queue: queue,
			Part: a.board.Add("sink "+s.Name, sink.Kind), Metrics: a.metrics.sink.Sink(s.Name),
		}
		running.Go(func() error { return loop.Run(ctx, drain) })
	}
	for _, w := range a.Plan.Config.Watches {
		for _, name := range w.Sinks {
			a.router.Route(w.Name, queues[name].Add)
		}
	}
}

// ready tells whether the agent does its work: every sink takes results, and some camera, if there are any, is live.
func (a *agent) ready() (bool, string) {
	switch {
	case a.board.Any(sink.Kind.Name, "failing"):
		return false, "a sink takes no results, see /status"
	case len(a.units()) > 0 && !a.board.Any(camera.Kind.Name, "live"):
		return false, "no camera is live, see /status"
	}
	return true, "ready: " + a.board.Line(camera.Kind) + "; " + a.board.Line(lease.Kind)
}

package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"go.uber.org/zap"
)

const (
	// waiting is how many results one sink may be behind.
	waiting = 10_000
	// drain is how long a sink gets at its end for what still waits.
	drain = 2 * time.Second
)

// applySinks runs the sinks of a plan and leads its watches to them. The queue of a sink that was changed stays.
func (a *agent) applySinks(ctx context.Context, p *Plan) {
	a.mu.Lock()
	routes := sink.Routes{}
	for _, s := range p.Config.Sinks {
		if a.queues[s.Name] == nil {
			a.queues[s.Name] = spool.NewMemory(waiting, a.metrics.spool.Sink(s.Name))
		}
	}
	for _, w := range p.Config.Watches {
		for _, name := range w.Sinks {
			routes[w.Name] = append(routes[w.Name], a.queues[name].Add)
		}
	}
	a.mu.Unlock()
	a.router.Set(routes)

	var specs []supervisor.Spec
	for _, s := range p.Config.Sinks {
		specs = append(specs, supervisor.Spec{
			Name: sinkUnit(s.Name), Value: s, New: func() supervisor.Unit { return a.delivery(s, p.sinks[s.Name]) },
			Equal: func(old supervisor.Spec) bool { return s.Equal(old.Value.(config.Sink)) && !a.isGone(s.Name) },
			Ended: func(replaced bool) { a.forgetSink(s.Name, replaced) },
		})
	}
	a.sinks.Apply(ctx, specs)
}

func sinkUnit(name string) string { return "sink " + name }

// delivery is the unit of one sink.
func (a *agent) delivery(s config.Sink, to sink.Sink) supervisor.Unit {
	a.mu.Lock()
	queue := a.queues[s.Name]
	a.mu.Unlock()
	return &deliverer{a, &sink.Loop{
		Name: s.Name, Sink: to, Queue: queue, MaxAttempts: s.MaxAttempts,
		Part: a.board.Add(sinkUnit(s.Name), sink.StatusKind), Metrics: a.metrics.sink.Sink(s.Name), Log: a.Log,
	}}
}

// isGone tells whether the far side of a sink is closed for good. To load the configuration is to say: try it anew.
func (a *agent) isGone(name string) bool {
	return slices.ContainsFunc(a.board.Units(), func(u status.Unit) bool {
		return u.Name == sinkUnit(name) && u.Parts[sink.StatusKind.Name].State == "gone"
	})
}

type deliverer struct {
	agent *agent
	loop  *sink.Loop
}

// Run implements supervisor.Unit.
func (d *deliverer) Run(ctx context.Context) error {
	err := d.loop.Run(ctx, drain)
	if err == nil || errors.Is(context.Cause(ctx), supervisor.ErrReplaced) {
		return err // whoever takes its place takes its queue
	}
	d.agent.Log.Error("a sink has ended with results that it did not take", zap.Error(err))
	if d.agent.filming.Err() != nil {
		d.agent.mu.Lock()
		defer d.agent.mu.Unlock()
		d.agent.losses = errors.Join(d.agent.losses, err)
	}
	return err
}

// forgetSink takes a sink that is gone out of what we show.
func (a *agent) forgetSink(name string, replaced bool) {
	if replaced {
		return
	}
	a.mu.Lock()
	delete(a.queues, name)
	a.mu.Unlock()
	a.board.Remove(sinkUnit(name))
	a.metrics.sink.Forget(name)
	a.metrics.spool.Forget(name)
}

package app

import (
	"context"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"go.uber.org/zap"
)

const (
	// drain is how long a sink gets at its end for what still waits.
	drain = 2 * time.Second
	// stopping bounds how long all of them may take to end. What they do has bounds of its own, but for the disk of the spool.
	stopping = 5 * time.Second
)

// outlet is one sink of a plan, with all that its unit is built from.
type outlet struct {
	config.Sink
	agent config.Agent
	make  makeSink
}

// equal tells whether a unit built from the other would be the same.
func (o outlet) equal(other outlet) bool { return o.Sink.Equal(other.Sink) && o.agent == other.agent }

// applySinks runs the sinks of a plan. What waits for one that was changed stays.
func (a *agent) applySinks(ctx context.Context, p *Plan) {
	var specs []supervisor.Spec
	for _, s := range p.Config.Sinks {
		o := outlet{s, p.Config.Agent, p.sinks[s.Name]}
		specs = append(specs, supervisor.Spec{
			Name: sinkUnit(s.Name), Value: o, New: func() supervisor.Unit { return &deliverer{a, o} },
			Equal: func(old supervisor.Spec) bool { return o.equal(old.Value.(outlet)) && !a.isGone(s.Name) },
			Ended: func(replaced bool) { a.forgetSink(s.Name, replaced) },
		})
	}
	a.sinks.Apply(ctx, specs)
	a.showOrphans(p)
}

func sinkUnit(name string) string { return "sink " + name }

// isGone tells whether the far side of a sink is closed for good. To load the configuration is to say: try it anew.
func (a *agent) isGone(name string) bool {
	return slices.ContainsFunc(a.board.Units(), func(u status.Unit) bool {
		return u.Name == sinkUnit(name) && u.Parts[sink.StatusKind.Name].State == "gone"
	})
}

// deliverer is the unit of one sink.
type deliverer struct {
	agent *agent
	outlet
}

// Run implements supervisor.Unit.
func (d *deliverer) Run(ctx context.Context) error {
	a := d.agent
	queue, err := a.spool.Queue(d.Name)
	if err != nil {
		return err
	}
	loop := sink.Loop{
		Name: d.Name, Sink: d.make(a, d.Name), Queue: queue, MaxAttempts: d.MaxAttempts,
		Part: a.board.Add(sinkUnit(d.Name), sink.StatusKind), Metrics: a.metrics.sink.Sink(d.Name), Log: a.Log,
	}
	err = loop.Run(ctx, drain)
	if waiting := queue.Len(); waiting > 0 && a.life.Err() == nil {
		a.Log.Info("results wait for the next start of a sink", zap.String("sink", d.Name), zap.Int("results", waiting))
	}
	return err
}

// forgetSink takes a sink that is gone out of what we show.
func (a *agent) forgetSink(name string, replaced bool) {
	if replaced {
		return
	}
	a.spool.Leave(name)
	a.board.Remove(sinkUnit(name))
	a.metrics.sink.Forget(name)
}

// stopSinks gives the sinks what they can still take, and ends them.
func (a *agent) stopSinks() {
	a.awaitAccepted()
	if !within(stopping, a.sinks.Stop) {
		a.Log.Error("the sinks do not end, because a disk hangs; the agent ends without them", zap.String("state_dir", a.running().Config.StateDir))
	}
}

// within does work, and reports false when that takes longer than the limit: then it is left to itself.
func within(limit time.Duration, work func()) bool {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = guard.Run(func() error { work(); return nil }) // at the end of the process nobody would do better for knowing
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// mqttOptions are what an MQTT sink tells beside the results.
func (a *agent) mqttOptions(name string) mqtt.Options {
	return mqtt.Options{
		Agent: a.running().Config.Agent.Name, Name: name, Version: a.Version, Inventory: a.inventory(name), Log: a.Log,
	}
}

package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
)

// unit is the name of the agent itself on the status board.
const unit = "agent"

// configKind is the part of the status board that shows the configuration. rejected: the newest one is bad, and the one before runs on.
var configKind = status.Kind{Name: "config", States: []string{"current", "rejected"}}

// reload reads the configuration again and changes what differs. Everything that can fail comes first: then the old one stays in force.
// It blocks until cameras that had to stop have stopped. Secrets are scrubbed from its error.
func (a *agent) reload() error {
	a.Notify(reloading())
	defer a.Notify("READY=1")
	old := a.running()
	next, err := a.Load()
	if err == nil {
		err = a.configure(next)
	}
	if err != nil {
		err = a.Scrubber.Error(err)
		a.metrics.reloaded.Set(0)
		a.config.Set("rejected", err)
		a.Log.Error("the configuration was rejected, the one before stays in force", zap.Error(err))
		return err
	}
	for _, w := range next.Warnings {
		a.Log.Warn("configuration", zap.String("warning", w.String()))
	}
	a.warnFixed(old.Config, next.Config)
	a.apply(next)
	a.config.Set("current", nil)
	a.config.Well()
	a.Log.Info("configuration reloaded", zap.Int("cameras", len(next.Config.Cameras)))
	return nil
}

// configure takes keys and secrets of a plan. After it nothing can fail.
func (a *agent) configure(p *Plan) error {
	a.Scrubber.Add(p.Config.Secrets()...)
	keys, err := a.keys.use(p.Config.Overshoot.Keys)
	if err != nil {
		return err
	}
	a.pool.Configure(keys, time.Duration(p.Config.Rotate.Dwell))
	return nil
}

// apply makes a plan the one that runs. What it does not change runs on undisturbed.
func (a *agent) apply(p *Plan) {
	a.mu.Lock()
	a.plan = p
	a.mu.Unlock()
	a.applySinks(a.life, p)
	a.cameras.Apply(a.filming, a.cameraUnits(p))
	a.metrics.reloaded.Set(1)
	a.metrics.reloadedAt.SetToCurrentTime()
}

// warnFixed tells which changes have no effect yet.
func (a *agent) warnFixed(old, next *config.Config) {
	fixed := strings.Join(needsRestart(old, next), ", ")
	a.config.Detail("restart_needed_for", fixed)
	if fixed != "" {
		a.Log.Warn("some changes take a restart", zap.String("settings", fixed))
	}
}

// needsRestart lists what differs and cannot be changed in a running agent.
func needsRestart(old, next *config.Config) (settings []string) {
	for _, s := range []struct {
		name    string
		differs bool
	}{
		{"overshoot.api", old.Overshoot.API != next.Overshoot.API},
		{"overshoot.base_url", old.Overshoot.BaseURL != next.Overshoot.BaseURL},
		{"status.listen", old.Status != next.Status},
		{"state_dir", old.StateDir != next.StateDir},
		{"spool", old.Spool != next.Spool},
		{"log", old.Log != next.Log},
	} {
		if s.differs {
			settings = append(settings, s.name)
		}
	}
	return settings
}

// request asks the loop for a reload and waits for the outcome.
func (a *agent) request(ctx context.Context) error {
	outcome := make(chan error, 1)
	select {
	case a.requests <- outcome:
		return <-outcome
	case <-ctx.Done():
		return errors.New("the agent is stopping")
	}
}

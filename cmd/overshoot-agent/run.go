package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/overshoot-ai/overshoot-agent/internal/app"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"go.uber.org/zap"
)

type runCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration file."`
}

// Run runs the agent until SIGTERM or SIGINT. A second signal ends it at once. SIGHUP reloads the configuration.
func (c *runCommand) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	hangups := make(chan os.Signal, 1) // more than one at a time ask for the same
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // whoever reads our standard output may go without taking us along

	collectOften()
	var inputs config.Inputs
	read := func() (*app.Plan, error) { return load(c.Config, &inputs) }
	plan, err := read()
	if err != nil {
		return err
	}
	scrubber := &secret.Scrubber{}
	scrubber.Add(plan.Config.Secrets()...)
	log, err := app.NewLog(os.Stderr, plan.Config.Log, scrubber)
	if err != nil {
		return err
	}
	for _, w := range plan.Warnings {
		log.Warn("configuration", zap.String("warning", w.String()))
	}
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not understood and not served", zap.Error(err))
	}
	err = app.Run(ctx, app.Options{
		Plan: plan, Load: read, Changed: inputs.Changed, Reload: hangups,
		Log: log, Scrubber: scrubber, Version: version(), Watchdog: watchdog,
		Notify: func(state string) {
			if _, err := daemon.SdNotify(false, state); err != nil {
				log.Debug("telling the service manager failed", zap.Error(err))
			}
		},
	})
	return scrubber.Error(err)
}

// collectOften trades a little CPU for memory, of which a small box has less: our heap is a few megabytes, and collecting it twice as often
// as usual saves about as much again. Whoever sets GOGC decides otherwise.
func collectOften() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
}

// load reads and plans a configuration, and notes in inputs which files it is made of.
func load(path string, inputs *config.Inputs) (*app.Plan, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return app.Load(path, config.Options{LookupEnv: os.LookupEnv, Hostname: host, Inputs: inputs})
}

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/app"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"go.uber.org/zap"
)

type checkCommand struct {
	Config string `required:"" placeholder:"FILE" help:"The configuration file."`
}

// Run explains a good file on standard output; of a bad one it returns all problems.
func (c *checkCommand) Run() error {
	plan, err := load(c.Config, nil)
	if err != nil {
		return err
	}
	scrubber := &secret.Scrubber{}
	scrubber.Add(plan.Config.Secrets()...)
	explain(os.Stdout, plan, scrubber.Scrub)
	for _, w := range plan.Warnings {
		fmt.Println("warning:", w)
	}
	fmt.Println("the configuration is good")
	return nil
}

// explain says what the agent would do, without secrets.
func explain(to io.Writer, plan *app.Plan, scrub func(string) string) {
	c := plan.Config
	fmt.Fprintf(to, "agent %s, state in %s, status on http://%s\n", c.Agent.Name, c.StateDir, c.Status.Listen)
	slots := 0
	for _, k := range c.Overshoot.Keys {
		slots += k.MaxStreams
	}
	fmt.Fprintf(to, "%s (%s) with %d key(s), %d stream(s) at once\n", c.Overshoot.BaseURL, c.Overshoot.API, len(c.Overshoot.Keys), slots)
	enabled := 0
	for _, cam := range c.Cameras {
		if cam.Enabled {
			enabled++
		}
		explainCamera(to, plan, cam, scrub)
	}
	for _, cam := range c.Skipped {
		fmt.Fprintf(to, "camera %s: for other agents (%s)\n", cam.Name, strings.Join(cam.Agents, ", "))
	}
	for _, s := range c.Sinks {
		fmt.Fprintf(to, "sink %s: %s\n", s.Name, s.Section.Type)
	}
	fmt.Fprintf(to, "results wait for their sinks in %s, up to %s and %s (on_full: %s)\n", filepath.Join(c.StateDir, spool.FileName), c.Spool.MaxBytes,
		c.Spool.MaxAge, c.Spool.OnFull)
	if enabled > slots {
		turns := "the others wait; rotate: lets cameras take turns"
		if c.Rotate.Dwell > 0 {
			turns = fmt.Sprintf("they take turns of %v", c.Rotate.Dwell)
		}
		fmt.Fprintf(to, "note: %d cameras for %d streams: %s\n", enabled, slots, turns)
	}
}

func explainCamera(to io.Writer, plan *app.Plan, cam config.Camera, scrub func(string) string) {
	state := ""
	if !cam.Enabled {
		state = ", disabled"
	}
	source := plan.Source(cam.Name, zap.NewNop(), scrub).String() // nothing is opened
	fmt.Fprintf(to, "camera %s: %s (%s)%s\n", cam.Name, cam.Source.Type, scrub(source), state)
	for _, name := range cam.Watches {
		w, _ := plan.Config.Watch(name)
		look := "the newest frame"
		if !w.Look.Frame {
			look = fmt.Sprintf("the last %v at up to %g pictures a second", w.Look.Last, w.Look.MaxFPS)
		}
		fmt.Fprintf(to, "  every %v asks %s about %s, for sinks %s (watch %s)\n", w.Every, w.Model, look, strings.Join(w.Sinks, ", "), name)
	}
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/app"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/probe"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"go.uber.org/zap"
)

type probeCommand struct {
	Camera   string        `arg:"" placeholder:"URL|DEVICE|CAMERA" help:"The camera's address or device, or its name in the configuration."`
	Config   string        `placeholder:"FILE" help:"The configuration file, for a camera by its name."`
	Duration time.Duration `placeholder:"TIME" help:"For how long to watch. Default: until three key frames came, 3 to 10 s, or up to 30 s for the second one."`
	JSON     bool          `name:"json" help:"Print JSON."`
}

// Run says what a camera sends. It fails when the camera cannot be used. Ctrl-C ends the probe early, a second one at once.
func (c *probeCommand) Run() error {
	scrubber := &secret.Scrubber{}
	source, options, err := c.source(scrubber)
	if err != nil {
		return scrubber.Error(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, stop)
	if !c.JSON {
		fmt.Fprintf(scrubber.Writer(os.Stderr), "probing %s; Ctrl-C ends it early\n", source)
	}
	options.Length, options.Encoders = c.Duration, app.Encoders(scrubber.Scrub)
	report := probe.Run(ctx, source, options)
	if err := c.print(scrubber.Writer(os.Stdout), report); err != nil {
		return fmt.Errorf("printing the report: %w", err)
	}
	if !report.Verdict.Usable() {
		return errReported
	}
	return nil
}

// source finds the camera and its settings of transcoding, and tells the scrubber every secret that is involved.
func (c *probeCommand) source(scrubber *secret.Scrubber) (source camera.Source, settings probe.Options, err error) {
	switch {
	case c.Duration < 0:
		return nil, settings, usageError("--duration: write a time such as 20s")
	case app.IsAddress(c.Camera) && c.Config != "":
		return nil, settings, usageError("an address needs no --config: leave it out, or write the camera's name")
	case app.IsAddress(c.Camera):
		source, password, err := app.SourceAt(c.Camera)
		scrubber.Add(password)
		if err != nil {
			return nil, settings, usageError(err.Error())
		}
		return source, probe.Options{Transcode: config.TranscodeAuto}, nil
	case c.Config == "":
		return nil, settings, usageError("write the camera's address (rtsp://…) or device (/dev/video0), or its name and --config FILE")
	}
	plan, err := load(c.Config, nil)
	if err != nil {
		return nil, settings, err
	}
	scrubber.Add(plan.Config.Secrets()...)
	for _, cam := range plan.Config.Cameras {
		if cam.Name == c.Camera {
			return plan.Source(cam.Name, zap.NewNop(), scrubber.Scrub), probe.Options{Transcode: cam.Transcode, MaxHeight: cam.MaxHeight}, nil
		}
	}
	return nil, settings, c.unknown(plan.Config)
}

// unknown lists the cameras that there are. What was written instead may be anything, also a secret, and is not shown.
func (c *probeCommand) unknown(known *config.Config) error {
	var names []string
	for _, cam := range known.Cameras {
		names = append(names, cam.Name)
	}
	if slices.ContainsFunc(known.Skipped, func(cam config.Camera) bool { return cam.Name == c.Camera }) {
		return usageError("the camera is for other agents: probe it by its address, or with their agent.name")
	}
	if len(names) == 0 {
		return usageError("the configuration has no camera: write an address (rtsp://…)")
	}
	return usageError("the configuration has no camera of that name; it has " + strings.Join(names, ", "))
}

func (c *probeCommand) print(to io.Writer, report *probe.Report) error {
	if !c.JSON {
		return report.Print(to)
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	_, err = to.Write(append(text, '\n'))
	return err
}

// A usageError is a command line that was understood and makes no sense.
type usageError string

func (e usageError) Error() string { return string(e) }

// errReported is a failure of which everything was printed already.
var errReported = errors.New("reported")

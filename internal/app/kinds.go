package app

import (
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/exec"
	clip "github.com/overshoot-ai/overshoot-agent/internal/camera/file"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/test"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/stdout"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
	"go.uber.org/zap"
)

// makeSource makes a source of settings that were found good. What it says besides its errors goes to log; scrub takes secrets out of what
// others say.
type makeSource func(log *zap.Logger, scrub func(string) string) camera.Source

// newSource lists the kinds of source. A new kind is a folder below internal/camera and a case here.
func newSource(s config.Section) (makeSource, error) {
	switch s.Type {
	case "rtsp":
		c, err := rtsp.Decode(s)
		return func(*zap.Logger, func(string) string) camera.Source { return rtsp.New(c) }, err
	case "v4l2":
		c, err := v4l2.Decode(s)
		return func(*zap.Logger, func(string) string) camera.Source { return v4l2.New(c) }, err
	case "exec":
		c, err := exec.Decode(s)
		return func(log *zap.Logger, scrub func(string) string) camera.Source { return exec.New(c, log, scrub) }, err
	case "file":
		c, err := clip.Decode(s)
		return func(*zap.Logger, func(string) string) camera.Source { return clip.New(c) }, err
	case "test":
		c, err := test.Decode(s)
		return func(*zap.Logger, func(string) string) camera.Source { return test.New(c) }, err
	}
	return nil, s.Problemf("type", "%q is no kind of source in this version: write rtsp, v4l2, exec, file or test", s.Type)
}

// makeSink makes a sink of settings that were found good. name is that of the sink.
type makeSink func(a *agent, name string) sink.Sink

// newSink lists the kinds of sink. A new kind is a folder below internal/sink and a case here.
func newSink(s config.Section) (makeSink, []config.Warning, error) {
	switch s.Type {
	case "file":
		c, err := file.Decode(s)
		return func(*agent, string) sink.Sink { return file.New(c) }, nil, err
	case "stdout":
		err := stdout.Check(s)
		return func(*agent, string) sink.Sink { return stdout.New(os.Stdout) }, nil, err
	case "webhook":
		c, err := webhook.Decode(s)
		return func(a *agent, _ string) sink.Sink { return webhook.New(c, a.server.Address()) }, c.Warnings(), err
	case "mqtt":
		c, err := mqtt.Decode(s)
		return func(a *agent, name string) sink.Sink {
			s := mqtt.New(c, a.mqttOptions(name))
			s.Start() // others want to know that the agent is there
			return s
		}, c.Warnings(), err
	}
	return nil, nil, s.Problemf("type", "%q is no kind of sink in this version: write file, stdout, webhook or mqtt", s.Type)
}

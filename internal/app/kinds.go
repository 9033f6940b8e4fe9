package app

import (
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/stdout"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// newSource lists the kinds of source. A new kind is a folder below internal/camera and a case here.
func newSource(s config.Section) (camera.Source, error) {
	switch s.Type {
	case "rtsp":
		c, err := rtsp.Decode(s)
		if err != nil {
			return nil, err
		}
		return rtsp.New(c), nil
	}
	return nil, s.Problemf("type", "%q is no kind of source in this version: write rtsp", s.Type)
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

package app

import (
	"os"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
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

// newSink lists the kinds of sink. A new kind is a folder below internal/sink and a case here.
// own is the address of the agent's status server.
func newSink(s config.Section, own string) (sink.Sink, []config.Warning, error) {
	switch s.Type {
	case "file":
		c, err := file.Decode(s)
		if err != nil {
			return nil, nil, err
		}
		return file.New(c), nil, nil
	case "stdout":
		if err := stdout.Check(s); err != nil {
			return nil, nil, err
		}
		return stdout.New(os.Stdout), nil, nil
	case "webhook":
		c, err := webhook.Decode(s)
		if err != nil {
			return nil, nil, err
		}
		return webhook.New(c, own), c.Warnings(), nil
	}
	return nil, nil, s.Problemf("type", "%q is no kind of sink in this version: write file, stdout or webhook", s.Type)
}

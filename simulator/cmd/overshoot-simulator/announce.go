package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/api"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/cameras"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/control"
)

// ready is the one line that tells a parent process where everything is.
type ready struct {
	Event   string        `json:"event"`
	API     string        `json:"api,omitempty"`
	Control string        `json:"control,omitempty"`
	LiveKit any           `json:"livekit,omitempty"`
	Cameras []readyCamera `json:"cameras"`
	Keys    []string      `json:"keys,omitempty"`
}

type readyCamera struct {
	Name string `json:"name"`
	URL  string `json:"url"`
	Clip string `json:"clip"`
}

// runCameras is what there is to do when there is nothing but cameras.
func runCameras(ctx context.Context, set *cameras.Set, stdout io.Writer) error {
	if err := write(stdout, ready{Cameras: list(set)}); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// announce tells where all parts are.
func announce(stdout io.Writer, address string, settings settings, set *cameras.Set, process liveKit) error {
	return write(stdout, ready{
		API: "http://" + address + api.Base, Control: "http://" + address + control.Base,
		LiveKit: map[string]any{"url": process.URL(), "pid": process.PID()},
		Cameras: list(set), Keys: settings.keys.Names(),
	})
}

func list(set *cameras.Set) []readyCamera {
	all := []readyCamera{}
	for _, c := range set.All() {
		all = append(all, readyCamera{c.Name, c.URL, c.Clip})
	}
	return all
}

func write(stdout io.Writer, line ready) error {
	line.Event = "ready"
	if err := json.NewEncoder(stdout).Encode(line); err != nil {
		return fmt.Errorf("announcing readiness: %w", err)
	}
	return nil
}

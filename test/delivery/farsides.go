package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/mqtt"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/stdout"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// A farSide makes one kind of sink with what it delivers to; end takes that away.
type farSide struct {
	name string
	make func(ctx context.Context, folder string) (s sink.Sink, end func(), err error)
}

var farSides = []farSide{
	{"file", toFile}, {"stdout", toPipe}, {"webhook", toReceiver(1, answer)}, {"webhook, batch of 64", toReceiver(64, answer)}, {"mqtt, QoS 1", toBroker},
}

func section(text string, args ...any) config.Section {
	s, err := config.ParseSection("delivery", fmt.Sprintf(text, args...))
	if err != nil {
		panic(err)
	}
	return s
}

func toFile(_ context.Context, folder string) (sink.Sink, func(), error) {
	c, err := file.Decode(section("{type: file, path: %q}", filepath.Join(folder, "out", "results.jsonl")))
	return file.New(c), func() {}, err
}

func toPipe(context.Context, string) (sink.Sink, func(), error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return stdout.New(write), func() { _ = write.Close() }, nil
}

func answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusNoContent)
}

func toReceiver(batch int, answer http.HandlerFunc) func(context.Context, string) (sink.Sink, func(), error) {
	return func(context.Context, string) (sink.Sink, func(), error) {
		server := httptest.NewServer(answer)
		c, err := webhook.Decode(section("{type: webhook, url: %q, batch: %d, timeout: 1s}", server.URL, batch))
		return webhook.New(c, ""), func() { server.CloseClientConnections(); server.Close() }, err
	}
}

// toBroker delivers to a mosquitto of its own.
// As root mosquitto would become a user that cannot read our folder, or fail to in a namespace.
func toBroker(ctx context.Context, folder string) (sink.Sink, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	address := l.Addr().(*net.TCPAddr)
	_ = l.Close()
	settings := filepath.Join(folder, "mosquitto.conf")
	if err := os.WriteFile(settings, fmt.Appendf(nil, "listener %d 127.0.0.1\nallow_anonymous true\nuser root\n", address.Port), 0o600); err != nil {
		return nil, nil, err
	}
	broker := exec.CommandContext(ctx, "mosquitto", "-c", settings)
	if err := broker.Start(); err != nil {
		return nil, nil, err
	}
	end := func() { _ = broker.Process.Kill(); _ = broker.Wait() }
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", address.String())
		if err == nil {
			_ = c.Close()
			break
		}
		if time.Since(start) > 10*time.Second {
			end()
			return nil, nil, fmt.Errorf("mosquitto does not start: %w", err)
		}
	}
	c, err := mqtt.Decode(section("{type: mqtt, url: %q}", "mqtt://"+address.String()))
	return mqtt.New(c, mqtt.Options{Agent: "delivery", Name: "broker", Inventory: noCameras{}}), end, err
}

// noCameras is an inventory without cameras: nothing is retained but the availability of the agent.
type noCameras struct{}

// Cameras implements mqtt.Inventory.
func (noCameras) Cameras() []mqtt.Camera { return nil }

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapio"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/api"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/cameras"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/control"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/fault"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/livekit"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/media"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/rooms"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/stream"
)

// startTimeout bounds the start of livekit-server.
const startTimeout = 15 * time.Second

// simulate starts all parts, says where they are, and runs until ctx ends. Teardown is in the reverse order of the start.
// Clips come first and by themselves: to make them can take longer than all else.
func simulate(ctx context.Context, settings settings, stdout io.Writer, log *zap.Logger) error {
	set, err := cameras.Start(ctx, settings.cameras, cameras.Options{
		Listen: settings.rtspListen, Clips: settings.clips, FFmpeg: settings.ffmpeg, Log: log,
	})
	if err != nil {
		return fmt.Errorf("starting the test cameras: %w", err)
	}
	defer set.Close()
	if settings.onlyCameras {
		return runCameras(ctx, set, stdout)
	}

	serverLog := &zapio.Writer{Log: log.Named("livekit"), Level: zap.DebugLevel}
	defer func() { _ = serverLog.Close() }()
	startCtx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	server, err := livekit.Start(startCtx, livekit.Options{Binary: settings.liveKit, Log: serverLog})
	if err != nil {
		return err
	}
	defer server.Close()

	target, err := url.Parse(server.HTTPURL())
	if err != nil {
		return fmt.Errorf("address of livekit-server: %w", err)
	}
	door := rooms.NewDoor(target)
	doorAddress, closeDoor, err := serve(ctx, "127.0.0.1:0", door, log)
	if err != nil {
		return err
	}
	defer closeDoor()

	gateway := media.NewGateway(server, media.Options{FFmpeg: settings.ffmpeg, Decode: settings.decode, Log: log.Named("media")})
	streams := stream.NewRegistry(&rooms.Rooms{Gateway: gateway, Door: door, DoorURL: "ws://" + doorAddress}, settings.switches, log)
	defer streams.Close()

	process := liveKit{Server: server, url: "ws://" + doorAddress}
	handler := newHandler(settings, streams, set, process, log)
	address, closeAPI, err := serve(ctx, settings.listen, handler, log)
	if err != nil {
		return err
	}
	defer closeAPI()

	if err := announce(stdout, address, settings, set, process); err != nil {
		return err
	}
	<-ctx.Done()
	log.Info("stopping")
	return nil
}

// newHandler joins the API and the control interface.
func newHandler(settings settings, streams *stream.Registry, set *cameras.Set, process liveKit, log *zap.Logger) http.Handler {
	faults, calls := &fault.Book{}, &calllog.Log{}
	mux := http.NewServeMux()
	mux.Handle(control.Base+"/", control.New(control.Options{
		Keys: settings.keys, Streams: streams, Switches: settings.switches, Faults: faults, Calls: calls,
		Cameras: set, LiveKit: process, Log: log,
	}))
	mux.Handle("/", api.New(api.Options{
		Keys: settings.keys, Streams: streams, Switches: settings.switches, Faults: faults, Calls: calls,
		Cameras: set, Log: log,
		Ready: func() bool {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return process.Running(ctx)
		},
	}))
	return mux
}

// serve answers HTTP at an address until the returned function is called. Requests end with ctx, so that those a fault
// rule holds do not delay the stop.
func serve(ctx context.Context, address string, handler http.Handler, log *zap.Logger) (bound string, stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("listening: %w", err)
	}
	complaints, err := zap.NewStdLogAt(log, zap.WarnLevel)
	if err != nil {
		return "", nil, fmt.Errorf("making a log for HTTP: %w", err)
	}
	server := &http.Server{
		Handler: handler, BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: 10 * time.Second, ErrorLog: complaints,
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("serving failed", zap.String("address", address), zap.Error(err))
		}
	}()
	return listener.Addr().String(), func() { _ = server.Close() }, nil
}

// liveKit is the server process as the control interface wants it.
type liveKit struct {
	*livekit.Server
	url string // of the door before it
}

// URL returns where publishers join.
func (l liveKit) URL() string { return l.url }

// Running tells whether the server answers.
func (l liveKit) Running(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.HTTPURL(), nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

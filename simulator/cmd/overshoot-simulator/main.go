// Command overshoot-simulator is the Overshoot v1beta API on one machine: real streams over a real livekit-server, a model
// that answers from the pictures which really arrived, and RTSP test cameras. See simulator/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Exit codes: of a failure while running, and of wrong arguments.
const (
	exitFailed = 1
	exitUsage  = 64
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout)) }

func run(args []string, stdin io.Reader, stdout io.Writer) int {
	settings, err := parseFlags(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "overshoot-simulator:", err)
		return exitUsage
	}
	log := newLogger(settings.level)
	defer func() { _ = log.Sync() }()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if settings.exitWithParent {
		ctx = untilClosed(ctx, stdin)
	}
	if err := simulate(ctx, settings, stdout, log); err != nil {
		log.Error("the simulator failed", zap.Error(err))
		return exitFailed
	}
	return 0
}

// untilClosed returns a context that ends when in is closed: the parent at its other end is gone.
func untilClosed(ctx context.Context, in io.Reader) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	return ctx
}

// newLogger logs to standard error: for eyes where that is a terminal, as JSON otherwise.
func newLogger(level zapcore.Level) *zap.Logger {
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	if stat, err := os.Stderr.Stat(); err == nil && stat.Mode()&os.ModeCharDevice != 0 {
		encoder = zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig())
	}
	return zap.New(zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), level))
}

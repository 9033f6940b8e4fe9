package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

type replayCommand struct {
	Where spoolPlace `embed:""`
	Sink  string     `required:"" placeholder:"NAME" help:"The sink that gets results again, marked as replayed."`
	Since moment     `required:"" placeholder:"TIME" help:"From when on: a time such as 2026-11-22T14:00:00Z, or how long ago, such as 24h or 7d."`
}

// Run puts results behind what waits for the sink; the agent delivers them when it runs again.
func (c *replayCommand) Run() error {
	folder, err := c.Where.folder()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	n, err := replay(ctx, folder, c.Sink, time.Time(c.Since))
	if n > 0 || err == nil {
		fmt.Printf("%d results are going to be delivered to sink %s again\n", n, c.Sink)
	}
	return err
}

func replay(ctx context.Context, folder, sink string, since time.Time) (n int, err error) {
	if _, err := os.Stat(folder); err != nil {
		return 0, fmt.Errorf("finding the state folder: %w", err)
	}
	dir, err := statedir.Open(folder)
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	s := spool.Open(spool.Options{
		Folder: folder, MaxBytes: 1 << 40, OnFull: spool.DropNewest, // this is not the time to drop something
		Log: zap.NewNop(), Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind),
		Meters: spool.NewMeters(prometheus.NewRegistry()),
	})
	n, err = s.Replay(ctx, sink, since)
	return n, errors.Join(err, s.Close(context.WithoutCancel(ctx)))
}

// A moment is a time on the command line.
type moment time.Time

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *moment) UnmarshalText(text []byte) error {
	if ago, err := config.ParseDuration(string(text)); err == nil {
		*m = moment(time.Now().Add(-time.Duration(ago)))
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a time such as 2026-11-22T14:00:00Z nor a duration such as 24h or 7d", text)
	}
	*m = moment(at)
	return nil
}

package app

import (
	"context"
	"fmt"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"golang.org/x/sys/unix"
)

// often is how often the loop looks at the configuration's files and tells the service manager how things are.
const often = 5 * time.Second

// loop is where the process waits while all goes its way, until ctx ends.
func (a *agent) loop(ctx context.Context) {
	look := time.NewTicker(often)
	defer look.Stop()
	beat := a.beats()
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.Reload:
			_ = a.reload() // it has told whoever reads logs, and nobody else asked
		case outcome := <-a.requests:
			outcome <- a.reload()
		case <-look.C:
			_ = a.folder.take() // that it cannot be had is on the board already
			if a.running().Config.WatchConfig && a.Changed() {
				_ = a.reload()
			}
			_, line := a.ready()
			a.Notify("STATUS=" + line)
		case <-beat.C:
			a.beat()
		}
	}
}

// beats ticks three times in the time after which the service manager gives us up.
func (a *agent) beats() *time.Ticker {
	if a.Watchdog <= 0 {
		silent := time.NewTicker(time.Hour)
		silent.Stop()
		return silent
	}
	return time.NewTicker(a.Watchdog / 3)
}

// beat gives the service manager a sign of life, after going through everything on which the process could hang as a whole. Where one of
// these does not return, there is no sign, and we are started anew: that heals, and the streams are adopted.
func (a *agent) beat() {
	a.pool.Pulse()
	a.cameras.Pulse()
	a.sinks.Pulse()
	a.board.Units()
	a.journal.Entries()
	a.Notify("WATCHDOG=1")
}

// reloading is what sd_notify(3) wants to hear; without the time a reload never ends for systemd 253 and newer.
func reloading() string {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return "RELOADING=1"
	}
	return fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000)
}

// pages is what the status server shows. Reloads are taken until ctx ends.
func (a *agent) pages(ctx context.Context) status.Pages {
	return status.Pages{
		Board: a.board, Metrics: a.registry, Ready: a.readyPage,
		Agent:  func() string { return a.running().Config.Agent.Name },
		Reload: func() error { return a.request(ctx) },
	}
}

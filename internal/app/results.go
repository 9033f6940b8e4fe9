package app

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"go.uber.org/zap"
)

// openSpool opens what keeps the results of this life, and of those before, until all sinks have them.
func (a *agent) openSpool(c *config.Config) {
	a.spool = spool.Open(spool.Options{
		Folder: c.StateDir, Sync: time.Duration(c.Spool.Sync), MaxBytes: int64(c.Spool.MaxBytes), MaxAge: time.Duration(c.Spool.MaxAge),
		OnFull: spool.Policy(c.Spool.OnFull), Log: a.Log, Part: a.spoolPart, Meters: a.metrics.spool,
	})
	if n := a.spool.Len(); n > 0 {
		a.Log.Info("results are waiting from before", zap.Int("results", n))
	}
}

// accept puts a result into the spool, for the sinks of its watch. It waits for no sink and for no disk but, where on_full is block, for
// room; then nothing is asked meanwhile.
func (a *agent) accept(ctx context.Context, r result.Result) {
	receipt, err := a.spool.Append(ctx, r, a.sinksOf(r.Watch))
	if err != nil {
		a.Log.Error("a result could not be kept and is lost", zap.String("camera", r.Camera), zap.String("watch", r.Watch), zap.String("id", r.ID), zap.Error(err))
		return
	}
	a.accepting.Store(receipt)
}

// sinksOf returns the sinks that get the results of a watch. One that a reload has removed, of a camera that is about to stop, has none.
func (a *agent) sinksOf(watch string) []string {
	w, _ := a.running().Config.Watch(watch)
	return w.Sinks
}

// awaitAccepted blocks until what was answered is on disk, where sinks can get it, but not long: the disk may hang.
func (a *agent) awaitAccepted() {
	ctx, cancel := context.WithTimeout(a.life, time.Second)
	defer cancel()
	if newest := a.accepting.Load(); newest != nil {
		_ = newest.Wait(ctx) // whether it was dropped is told elsewhere
	}
}

// closeSpool closes the spool. What sinks have not taken stays there for the next start; only what could not be written is lost.
func (a *agent) closeSpool() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return a.spool.Close(ctx)
}

// showOrphans tells of results that wait for sinks which are not configured. They are kept, within the bounds of the spool, because a
// sink that was renamed by mistake is soon back.
func (a *agent) showOrphans(p *Plan) {
	var orphans []string
	for name, waiting := range a.spool.Waiting() {
		if !slices.ContainsFunc(p.Config.Sinks, func(s config.Sink) bool { return s.Name == name }) {
			orphans = append(orphans, name+" ("+strconv.Itoa(waiting)+")")
		}
	}
	slices.Sort(orphans)
	text := strings.Join(orphans, ", ")
	a.spoolPart.Detail("not_configured", text)
	if text != "" {
		a.Log.Warn("results wait for sinks that are not configured; they are dropped when they are older than spool.max_age", zap.String("sinks", text))
	}
}

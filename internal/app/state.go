package app

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"go.uber.org/zap"
)

// openState takes the state folder and opens what is in it. A folder that cannot be used is no reason not to work: then nothing outlives
// the process, and the board says so. One that another agent uses is.
func (a *agent) openState(path string) (io.Closer, error) {
	clock, part := wake.SystemClock(), a.board.Add(unit, lease.JournalKind)
	folder := path
	var lock io.Closer = io.NopCloser(nil)
	dir, err := statedir.Open(path)
	switch {
	case errors.Is(err, statedir.ErrLocked):
		return nil, err
	case err != nil:
		part.Set("failing", err)
		a.Log.Error("the state folder cannot be used: streams that this process leaves behind will not be found again", zap.Error(err))
		folder = ""
	default:
		lock = dir
	}
	a.journal = lease.OpenJournal(lease.JournalOptions{
		Folder: folder, Clock: clock, Part: part, Metrics: lease.NewJournalMetrics(a.registry), Log: a.Log,
	})
	a.janitor = &lease.Janitor{Journal: a.journal, Metrics: lease.NewJanitorMetrics(a.registry), Log: a.Log}
	a.wake = wake.NewBell(clock, a.Log, a.registry)
	return lock, nil
}

// settle finds a use for what the last process left in the journal: streams of cameras that are still there keep their slots until these
// cameras come for them; the others are deleted. A create that was cut off may have left a stream whose id nobody knows, which takes a slot
// until its lease is over.
func (a *agent) settle(p *Plan) {
	for _, e := range a.journal.Entries() {
		s, wanted := p.scene(e.Camera)
		switch {
		case e.ID == "":
			a.pool.Block(e.Key, a.journal.Remaining(e))
		case !wanted || !a.pool.Reserve(e.Camera, s.camera.Priority, e.Key):
			a.abandon(e)
		}
	}
}

// sweep deletes the streams of cameras that a reload has removed, where their own units did not.
func (a *agent) sweep(p *Plan) {
	for _, e := range a.journal.Entries() {
		if _, wanted := p.scene(e.Camera); wanted {
			continue
		}
		if left, ok := a.journal.Adoptable(e.Camera); ok { // and not deleted by somebody already
			a.abandon(left)
		}
	}
}

// rest is how long the streams may take in the end that no camera has released.
const rest = 2 * time.Second

// releaseRest deletes what is left when all cameras have ended: the streams of those that were down after a panic.
func (a *agent) releaseRest() {
	ctx, cancel := context.WithTimeout(a.life, rest)
	defer cancel()
	last := lease.Janitor{Journal: a.journal, Metrics: a.janitor.Metrics, Log: a.Log}
	for _, e := range a.journal.Entries() {
		if left, ok := a.journal.Adoptable(e.Camera); ok {
			last.Release(ctx, a.owner(left), left, nil)
		}
	}
	last.Wait()
}

// abandon hands a stream that nobody wants to the janitor. Its slot is free when it is gone.
func (a *agent) abandon(e lease.Entry) {
	free := a.pool.Abandon(e.Camera, e.Key, a.journal.Remaining(e))
	a.janitor.Release(a.life, a.owner(e), e, free)
}

// owner returns what a stream can be deleted with, nil when its key is not there any more.
func (a *agent) owner(e lease.Entry) lease.API {
	if client := a.keys.holder(e.Key, e.Fingerprint); client != nil {
		return client
	}
	return nil // and not a nil client
}

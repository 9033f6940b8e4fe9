package app

import (
	"errors"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"go.uber.org/zap"
)

// openState takes the state folder and opens what is in it. A folder that cannot be written is no reason not to work: the board says so, and
// the journal tries again and again. One that another agent uses is.
func (a *agent) openState(path string) (io.Closer, error) {
	clock, part := wake.SystemClock(), a.board.Add(unit, lease.JournalKind)
	var lock io.Closer = io.NopCloser(nil)
	dir, err := statedir.Open(path)
	switch {
	case errors.Is(err, statedir.ErrLocked):
		return nil, err
	case err != nil:
		part.Set("failing", err)
		a.Log.Error("the state folder cannot be locked; trying to use it all the same", zap.Error(err))
	default:
		lock = dir
	}
	a.journal = lease.OpenJournal(lease.JournalOptions{
		Folder: path, Clock: clock, Part: part, Metrics: lease.NewJournalMetrics(a.registry), Log: a.Log,
	})
	a.janitor = &lease.Janitor{Journal: a.journal, Metrics: lease.NewJanitorMetrics(a.registry), Log: a.Log}
	a.wake = wake.NewBell(clock, a.Log, a.registry)
	return lock, nil
}

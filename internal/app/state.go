package app

import (
	"errors"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/statedir"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"go.uber.org/zap"
)

// openState takes the state folder and opens what is in it. A folder that cannot be written is no reason not to work: the board says so, and
// the journal tries again and again. One that another agent uses is.
func (a *agent) openState(path string) (*stateFolder, error) {
	clock, part := wake.SystemClock(), a.board.Add(unit, lease.JournalKind)
	folder := &stateFolder{path: path}
	err := folder.take()
	switch {
	case errors.Is(err, statedir.ErrLocked):
		return nil, err
	case err != nil:
		part.Set("failing", err)
		a.Log.Error("the state folder cannot be locked; trying to use it all the same", zap.Error(err))
	}
	a.journal = lease.OpenJournal(lease.JournalOptions{
		Folder: path, Clock: clock, Part: part, Metrics: lease.NewJournalMetrics(a.registry), Log: a.Log,
	})
	a.janitor = &lease.Janitor{Journal: a.journal, Metrics: lease.NewJanitorMetrics(a.registry), Log: a.Log}
	a.wake = wake.NewBell(clock, a.Log, a.registry)
	return folder, nil
}

// A stateFolder is the state folder of the process, which may be there only later: a disk can come late.
type stateFolder struct {
	path string
	dir  *statedir.Dir // nil while it is not ours
}

// take makes and locks the folder unless it is ours already. What is kept there finds it by itself.
func (f *stateFolder) take() (err error) {
	if f.dir == nil {
		f.dir, err = statedir.Open(f.path)
	}
	return err
}

// Close gives the folder back.
func (f *stateFolder) Close() error {
	if f.dir == nil {
		return nil
	}
	return f.dir.Close()
}

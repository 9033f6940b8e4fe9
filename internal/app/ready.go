package app

import (
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

// ready tells in one line whether the agent does its work: results are kept, every sink takes them, and some camera, if there are any, is live.
func (a *agent) ready() (bool, string) {
	var missing []string
	for _, m := range []struct {
		is   bool
		text string
	}{
		{a.board.Any(spool.Kind.Name, "memory"), "results are kept in memory only"},
		{a.board.Any(spool.Kind.Name, "full"), "the spool is full and results are dropped"},
		{a.board.Any(sink.StatusKind.Name, "failing", "gone"), "a sink takes no results"},
		{a.board.Any(lease.JournalKind.Name, "failing"), "the state folder takes no writes"},
		{len(a.running().scenes()) > 0 && !a.board.Any(camera.Kind.Name, "live"), "no camera is live"},
	} {
		if m.is {
			missing = append(missing, m.text)
		}
	}
	if len(missing) > 0 {
		return false, strings.Join(missing, "; ") + ", see /status"
	}
	return true, "ready: " + a.board.Line(camera.Kind) + "; " + a.board.Line(lease.Kind)
}

// readyPage is what /readyz says: in one line whether the agent is ready, and one line for each sink.
func (a *agent) readyPage() (bool, string) {
	ok, why := a.ready()
	lines := []string{why}
	for _, u := range a.board.Units() {
		view, isSink := u.Parts[sink.StatusKind.Name]
		if !isSink {
			continue
		}
		line := u.Name + ": " + view.State
		for _, fact := range []string{"waiting", "oldest_age", "last_success", "last_error"} {
			if value := view.Detail[fact]; value != "" {
				line += ", " + strings.ReplaceAll(fact, "_", " ") + " " + value
			}
		}
		lines = append(lines, line)
	}
	return ok, strings.Join(lines, "\n")
}

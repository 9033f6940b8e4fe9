package app

import (
	"context"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/snapshot"
)

// snapshots gives the results of a watch their pictures, if they shall have some. Where these go is looked up each time: a sink may change
// while the camera runs on.
func (a *agent) snapshots(w config.Watch, c *snapshot.Camera) func(about time.Time) func(context.Context, *result.Result) {
	if !w.Snapshot {
		return nil
	}
	return func(about time.Time) func(context.Context, *result.Result) {
		shot := c.Hold(about)
		return func(ctx context.Context, r *result.Result) {
			if folder, ok := a.running().snapshotFolder(w.Sinks); ok {
				r.Snapshot = shot.Keep(ctx, r.ID, folder)
			}
		}
	}
}

// snapshotFolders are those beside all file sinks: also what is in one from before is kept within its bounds.
func (p *Plan) snapshotFolders() (all []snapshot.Folder) {
	for _, s := range p.Config.Sinks {
		if f, ok := p.snapshotFolder([]string{s.Name}); ok && f.Sink == s.Name {
			all = append(all, f)
		}
	}
	return all
}

// snapshotFolder returns the one beside the first file sink among some. Of sinks in the same folder the first gives it name and bounds.
func (p *Plan) snapshotFolder(sinks []string) (snapshot.Folder, bool) {
	var found snapshot.Folder
	for _, name := range sinks {
		if i := slices.IndexFunc(p.Config.Sinks, func(s config.Sink) bool { return s.Name == name }); i >= 0 && found.Path == "" {
			found, _ = folderOf(p.Config.Sinks[i])
		}
	}
	for _, s := range p.Config.Sinks {
		if f, ok := folderOf(s); ok && f.Path == found.Path {
			return f, true
		}
	}
	return found, false
}

// folderOf returns the folder of a file sink.
func folderOf(s config.Sink) (snapshot.Folder, bool) {
	if s.Section.Type != "file" {
		return snapshot.Folder{}, false
	}
	c, err := file.Decode(s.Section)
	if err != nil {
		return snapshot.Folder{}, false // there is no plan with such a sink
	}
	path, err := c.Folder()
	return snapshot.Folder{
		Sink: s.Name, Path: path, MaxBytes: int64(c.Snapshots.MaxBytes), MaxAge: time.Duration(c.Snapshots.MaxAge),
	}, err == nil
}

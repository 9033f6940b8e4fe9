package snapshot

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// tidying is how often the albums are looked after when no picture comes. Most of the time that takes a glance at memory.
const tidying = time.Minute

// Options are what a Gallery is built from.
type Options struct {
	Program string              // "ffmpeg" or a path to it
	Scrub   func(string) string // takes secrets out of what others say
	Metrics *Vectors
	Log     *zap.Logger
}

// A Folder is the place of pictures beside the files of a sink, and how much of it they may have.
type Folder struct {
	Sink     string
	Path     string // absolute; the pictures are below it in a folder of their own
	MaxBytes int64
	MaxAge   time.Duration
}

// A Gallery has all pictures of the agent. It lives as long as the process.
type Gallery struct {
	options  Options
	darkroom *darkroom
	disk     disk
	bound    time.Duration // the most that a result waits

	mu     sync.Mutex
	albums map[string]*album // by path of the folder
}

// disk is what tests put their own in the place of.
type disk struct {
	statfs func(path string, to *unix.Statfs_t) error
	write  func(root *os.Root, name string, data []byte) error
}

// New returns a gallery. It touches nothing.
func New(o Options) *Gallery {
	return &Gallery{
		options: o, darkroom: newDarkroom(o.Program, o.Scrub), disk: disk{unix.Statfs, write}, bound: bound, albums: map[string]*album{},
	}
}

// Run keeps the folders within their bounds, also while no pictures come, until ctx ends. folders is asked each minute.
func (g *Gallery) Run(ctx context.Context, folders func() []Folder) error {
	tick := time.NewTicker(tidying)
	defer tick.Stop()
	for {
		g.tidy(ctx, folders())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tidy looks after these folders, and forgets the others.
func (g *Gallery) tidy(ctx context.Context, folders []Folder) {
	wanted := map[string]bool{}
	for _, f := range folders {
		wanted[f.Path] = true
		a := g.album(f)
		go func() { _ = guard.Run(func() error { a.tidy(ctx); return nil }) }() // a disk that hangs is no matter of the others
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for path, a := range g.albums {
		if !wanted[path] {
			delete(g.albums, path)
			g.options.Metrics.forgetSink(a.bounds().Sink)
		}
	}
}

// album returns the one of a folder, which has these bounds from now on.
func (g *Gallery) album(f Folder) *album {
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.albums[f.Path]
	if a == nil {
		a = newAlbum(f, g)
		g.albums[f.Path] = a
	}
	if before := a.bounds().Sink; before != f.Sink {
		g.options.Metrics.forgetSink(before)
		g.options.Metrics.sink(f.Sink)
	}
	a.folder.Store(&f)
	return a
}

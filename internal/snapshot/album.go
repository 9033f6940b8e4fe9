package snapshot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

const (
	// below is the name of our folder in that of the sink.
	below = "snapshots"
	// unfinished follows the name of a file that is being written.
	unfinished = ".part"
	// rescan is how often we look what others did to the files.
	rescan = time.Hour
)

// An album has the pictures of one folder.
type album struct {
	disk    disk
	metrics *Vectors
	folder  atomic.Pointer[Folder]
	mood    mood

	turn  chan struct{} // holds a token while somebody uses the disk
	stuck atomic.Bool   // somebody uses it for longer than anybody waits

	// What follows belongs to whoever has the turn.
	shelf   shelf
	scanned time.Time // zero: has to be done
}

func newAlbum(f Folder, g *Gallery) *album {
	a := &album{disk: g.disk, metrics: g.options.Metrics, turn: make(chan struct{}, 1), mood: mood{
		log: g.options.Log, bad: "old snapshots cannot be removed", good: "old snapshots are removed again",
	}}
	a.folder.Store(&f)
	a.metrics.sink(f.Sink)
	return a
}

func (a *album) bounds() Folder { return *a.folder.Load() }

// put writes a picture of a camera and returns the path of its file.
func (a *album) put(ctx context.Context, camera, name string, data []byte) (path string, err error) {
	f := a.bounds()
	err = a.use(ctx, func(ctx context.Context) error { return a.write(ctx, f, filepath.Join(below, camera), name, data) })
	if err != nil {
		return "", err
	}
	return filepath.Join(f.Path, below, camera, name), nil
}

// use runs work, which uses the disk, and waits for it until ctx ends. Nobody else uses the disk before it has returned, and where that takes
// longer than anybody waits, nobody waits for it any more.
func (a *album) use(ctx context.Context, work func(context.Context) error) error {
	if a.stuck.Load() {
		return &failure{diskSlow, errors.New("the disk does not answer")}
	}
	select {
	case a.turn <- struct{}{}:
	case <-ctx.Done():
		return broken(ctx, diskSlow)
	}
	done := make(chan error, 1)
	go func() {
		done <- guard.Run(func() error { return work(ctx) })
		a.stuck.Store(false) // after the outcome is there: whoever sets it looks for that
		<-a.turn
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	if !errors.Is(context.Cause(ctx), errSlow) {
		return broken(ctx, diskSlow)
	}
	a.stuck.Store(true)
	select {
	case err := <-done: // just then
		a.stuck.Store(false)
		return err
	default:
		return broken(ctx, diskSlow)
	}
}

// write makes room for a picture and writes it. One that nobody waits for any more is removed.
func (a *album) write(ctx context.Context, f Folder, folder, name string, data []byte) error {
	root, err := enter(f.Path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // what could fail here has no one to tell
	if err := a.look(root); err != nil {
		return err
	}
	if err := a.makeRoom(root, f, int64(len(data))); err != nil {
		return err
	}
	name = filepath.Join(folder, name)
	if err := root.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("making the folder of snapshots: %w", err)
	}
	if err = a.disk.write(root, name+unfinished, data); err == nil && ctx.Err() == nil {
		err = root.Rename(name+unfinished, name)
	}
	if err != nil || ctx.Err() != nil {
		_ = root.Remove(name + unfinished) // else the next look does it
		if err == nil {
			err = context.Cause(ctx)
		}
		return fmt.Errorf("writing a snapshot: %w", err)
	}
	a.shelf.add(file{name, timeOf(name), int64(len(data))})
	a.show(f)
	return nil
}

// enter opens the folder of a sink, and makes it where it is missing. It is opened each time: the disk may come late, or be another.
func enter(folder string) (*os.Root, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("making the folder of snapshots: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the folder of snapshots: %w", err)
	}
	return root, nil
}

// write writes a new file. It is not synced: a power cut may take the pictures of the last seconds, and a disk has more important things to do.
func write(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// show updates the metrics.
func (a *album) show(f Folder) { a.metrics.bytes.WithLabelValues(f.Sink).Set(float64(a.shelf.bytes)) }

// tidy removes what is too old or too much. It makes nothing.
func (a *album) tidy(ctx context.Context) {
	ctx, end := context.WithTimeoutCause(ctx, bound, errSlow)
	defer end()
	f := a.bounds()
	err := a.use(ctx, func(context.Context) error {
		if time.Since(a.scanned) < rescan && !a.shelf.exceeds(f, time.Now()) {
			return nil
		}
		root, err := os.OpenRoot(f.Path)
		if errors.Is(err, os.ErrNotExist) {
			a.shelf = shelf{}
			a.show(f)
			return nil
		}
		if err != nil {
			return fmt.Errorf("opening the folder of snapshots: %w", err)
		}
		defer func() { _ = root.Close() }() // nothing was written to it
		if err := a.look(root); err != nil {
			return err
		}
		return a.trim(root, f, f.MaxBytes)
	})
	switch {
	case err == nil:
		a.mood.well()
	case reasonOf(err) != stopped:
		a.mood.worse(reasonOf(err), err.Error())
	}
}

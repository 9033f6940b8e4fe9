package file

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// zipped is the end of the name of a compressed file; unfinished follows it while it is being written.
const (
	zipped     = ".gz"
	unfinished = ".part"
)

// A tidier removes and compresses files that were put aside, beside the deliveries. What fails is tried again after the next rotation: it
// is no reason to hold up results, and costs nothing but room.
type tidier struct {
	ctx  context.Context
	stop func() // breaks off what is under way, and waits for it
	turn chan struct{}
	work *sync.WaitGroup
}

func newTidier() tidier {
	ctx, cancel := context.WithCancel(context.Background()) // it lives until stop, not as long as one delivery
	work := &sync.WaitGroup{}
	return tidier{ctx: ctx, turn: make(chan struct{}, 1), work: work, stop: func() {
		cancel()
		work.Wait()
	}}
}

// start tidies up, after those that were started before, what was put aside of a name.
func (t tidier) start(folder, name string, r Rotate) {
	if r.Keep == 0 && !r.Gzip {
		return
	}
	t.work.Go(func() {
		select {
		case t.turn <- struct{}{}:
			defer func() { <-t.turn }()
		case <-t.ctx.Done():
			return
		}
		_ = guard.Run(func() error { return tidyUp(t.ctx, folder, name, r) }) // see tidier
	})
}

// tidyUp removes what is too much and compresses the rest, oldest first.
func tidyUp(ctx context.Context, folder, name string, r Rotate) error {
	whole, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = whole.Close() }()            // nothing was written to it
	root, err := whole.OpenRoot(filepath.Dir(name)) // a link there may lead to no other folder
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // nor to this
	aside, err := listAside(root, filepath.Base(name))
	if err != nil {
		return err
	}
	if r.Keep > 0 {
		for ; len(aside) > r.Keep; aside = aside[1:] {
			err = errors.Join(err, root.Remove(aside[0]))
		}
	}
	for _, file := range aside {
		if r.Gzip && !strings.HasSuffix(file, zipped) && ctx.Err() == nil {
			err = errors.Join(err, compress(ctx, root, file))
		}
	}
	return err
}

// listAside returns what was put aside of a name, oldest first.
func listAside(root *os.Root, name string) (aside []string, err error) {
	folder, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	defer func() { _ = folder.Close() }() // it was only read
	all, err := folder.Readdirnames(-1)
	for _, file := range all {
		if isAside(file, name) {
			aside = append(aside, file)
		}
	}
	slices.Sort(aside)
	return aside, err
}

// compress puts name.gz in the place of name, once it is on disk.
func compress(ctx context.Context, root *os.Root, name string) (err error) {
	from, err := root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	part := name + zipped + unfinished
	to, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	small := gzip.NewWriter(to)
	if _, err = io.Copy(small, &breakable{ctx, from}); err == nil { // else it is not worth waiting for the disk
		err = errors.Join(small.Close(), to.Sync())
	}
	if err = errors.Join(err, to.Close()); err != nil {
		return errors.Join(err, root.Remove(part))
	}
	if err := root.Rename(part, name+zipped); err != nil {
		return err
	}
	return root.Remove(name)
}

// breakable is a reader that fails when ctx has ended.
type breakable struct {
	ctx  context.Context
	from io.Reader
}

func (b *breakable) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, b.ctx.Err()
	}
	return b.from.Read(p)
}

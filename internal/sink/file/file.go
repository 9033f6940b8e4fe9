// Package file is the sink that appends results to files, one JSON object per line.
//
// A result is delivered when its whole line was written and synced. Only whole lines are appended, so whoever reads along sees at worst that
// the last line is still growing; what a power cut tore is removed before the next line. Files may be moved away at any time.
package file

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// maxOpen bounds how many files stay open between two batches; the one used longest ago is closed first.
const maxOpen = 32

// Sink appends to the files of one layout. They are opened when there is something to write, so that a disk that comes late does no harm.
type Sink struct {
	settings Config
	wrap     func(file) file // put between us and what the system opened, by tests

	here layout          // of the settings, with symbolic links resolved
	root *os.Root        // its folder; nil until there is something to write
	logs map[string]*log // open, by path below the folder
	tick uint64          // counts the uses of logs
	tidy tidier
}

// New returns the sink for settings that come from Decode.
func New(c Config) *Sink {
	return &Sink{settings: c, wrap: func(f file) file { return f }, logs: map[string]*log{}, tidy: newTidier()}
}

// A delivery is what one Deliver has written to, with the first result of the batch in each.
type delivery map[*log]int

// Deliver implements sink.Sink. Results for the same file that follow each other are written by one call, and all files are synced before
// it returns. ctx is looked at between files: what the disk has begun cannot be broken off.
func (s *Sink) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	if err := s.enter(); err != nil {
		return 0, err
	}
	d := delivery{}
	for taken < len(batch) && err == nil {
		if err = context.Cause(ctx); err == nil {
			var n int
			n, err = s.writeRun(d, batch, taken)
			taken += n
		}
	}
	for l, failure := range d.sync(s.root) {
		if failure != nil {
			taken, err = min(taken, d[l]), cmp.Or(err, fmt.Errorf("bringing results to disk in %s: %w", s.path(l.name), failure))
			s.retire(l) // nobody knows what is in it; it has to be read again from the disk
		}
		if l.retired {
			_ = l.file.Close() // its sync has told all there is to tell
		}
	}
	s.closeOldest()
	return taken, err
}

// writeRun writes the results from at on that belong to the same file and fit into it, and tells how many of their lines are whole. It may be
// none where the file was put aside instead.
func (s *Sink) writeRun(d delivery, batch []result.Result, at int) (n int, err error) {
	name := s.here.file(batch[at])
	l, err := s.open(d, name)
	if err != nil {
		return 0, err
	}
	if s.settings.Rotate.isDue(l, time.Now()) {
		return 0, s.rotate(d, l)
	}
	l.lines.reset()
	for _, r := range batch[at:] {
		if s.here.file(r) != name {
			break
		}
		text, err := r.MarshalJSON()
		if err != nil && l.lines.empty() {
			return 0, &sink.Error{Kind: sink.Refused, Final: true, Err: fmt.Errorf("writing the result as JSON: %w", err)}
		}
		if err != nil || !l.lines.empty() && !s.settings.Rotate.fits(l, len(text)) {
			break
		}
		l.lines.add(text)
	}
	if !s.settings.Rotate.fits(l, 0) && l.size > 0 {
		return 0, s.rotate(d, l)
	}
	if _, known := d[l]; !known {
		d[l] = at
	}
	if n, err = l.write(); err != nil {
		s.retire(l) // opened anew it is without the torn line
		err = fmt.Errorf("appending to %s: %w", s.path(name), err)
	}
	return n, err
}

// sync brings everything to disk, all files at once, for which a disk needs little more time than for one.
func (d delivery) sync(root *os.Root) map[*log]error {
	var all sync.WaitGroup
	var mu sync.Mutex
	failures := map[*log]error{}
	for l := range d {
		all.Go(func() {
			err := l.sync(root)
			mu.Lock()
			defer mu.Unlock()
			failures[l] = err
		})
	}
	all.Wait()
	return failures
}

// retire takes a log out of use; it is closed when the batch is on disk.
func (s *Sink) retire(l *log) {
	l.retired = true
	if s.logs[l.name] == l {
		delete(s.logs, l.name)
	}
}

// path returns where a file is, for messages.
func (s *Sink) path(name string) string { return filepath.Join(s.here.folder, name) }

// closeOldest closes the logs that are too many. All of them are synced.
func (s *Sink) closeOldest() {
	for len(s.logs) > maxOpen {
		l := slices.MinFunc(slices.Collect(maps.Values(s.logs)), func(a, b *log) int { return cmp.Compare(a.used, b.used) })
		delete(s.logs, l.name)
		_ = l.file.Close() // what could fail here has no one to tell
	}
}

// Close implements sink.Sink. It breaks off the compression of files that were put aside, which the next rotation takes up again.
func (s *Sink) Close() error {
	s.tidy.stop()
	return s.leave()
}

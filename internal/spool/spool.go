// Package spool keeps results on disk between the moment they are accepted and the moment that every sink has them.
//
// A result is written once, whatever the number of its sinks. It is accepted when it is committed to the SQLite file spool.db: from then on it
// survives the end of the process, and a power cut as soon as the file was synced, see Options.Sync. Each sink has a Queue, which gives the
// results to it at least once, those of each camera and watch in the order in which they were accepted. A result goes when all its sinks have
// it, or when a bound is reached; then it is counted.
//
// The file is no dependency. A damaged one is set aside and what is readable of it goes into a new one; when the disk cannot be used
// at all, results are kept in memory, within a bound, until it can. No file is ever repaired in place.
//
// How the parts work together: Append puts a result in front of the writer, one goroutine, which takes up to 64 of them into one transaction,
// enters them into the book, and wakes the queues. The book says where in the store everything is. SQLite gives us transactions, nothing more:
// order, positions and checksums are ours.
package spool

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"go.uber.org/zap"
	"golang.org/x/sys/unix"
)

// Kind is the part of the status board that shows the spool: in "memory" results do not survive the end of the process, and "full" says
// that new or old ones are being dropped.
var Kind = status.Kind{Name: "spool", States: []string{"ok", "full", "memory"}}

// A Policy says what is given up when the spool is full.
type Policy string

// The policies.
const (
	DropOldest Policy = "drop_oldest"
	DropNewest Policy = "drop_newest"
	Block      Policy = "block" // Append waits
)

// Values of Options.Sync that are not a time.
const (
	SyncAlways time.Duration = 0  // before a result is accepted
	SyncNever  time.Duration = -1 // leave it to the kernel, but for the order in which the parts of the file get to disk
)

// MinBytes is the least that Options.MaxBytes may be.
const MinBytes = 8 << 20

// Options say where the spool is and how large it may get.
type Options struct {
	Folder   string        // of the file. It must exist, and be ours alone.
	Sync     time.Duration // the most that a power cut takes: how often, at most, the file is synced
	MaxBytes int64         // of all files of the spool but those set aside as damaged; at least MinBytes
	MaxAge   time.Duration // results older than this are dropped; 0: none are
	OnFull   Policy        // also when the disk is
	Log      *zap.Logger
	Part     *status.Part
	Meters   *Meters

	system system // for tests
}

// system is what the spool asks of the kernel, other than by SQLite.
type system struct {
	fdatasync func(fd int) error
	statfs    func(path string, to *unix.Statfs_t) error
}

// A Spool keeps results for all sinks. Its methods may be called from any goroutine.
type Spool struct {
	o     Options
	start time.Time
	kick  chan struct{} // holds a token when there may be something to write
	stop  chan struct{}
	ended chan struct{} // closed when the goroutines have ended
	dirty chan struct{} // holds a token when there is something to sync

	// io is held while the store is used, and is taken before mu.
	io    gate
	store *store
	room  room
	exile exile
	full  bool // something was dropped or kept back in this round
	over  bool // the store is closed for good

	// mu is held for moments only, never while waiting for the disk.
	mu        sync.Mutex
	book      *book
	front     front
	queues    map[string]*Queue
	sequences *result.Sequences
	acksDue   time.Duration // when the file has to know what sinks have taken
	comeBack  time.Duration // when to try the disk again; 0: it is in use
	closed    bool

	bytes atomic.Int64 // size of all files
}

// A gate is a lock for which one can wait for a while: who holds it may wait for a disk that hangs.
type gate chan struct{}

func (g gate) Lock()   { g <- struct{}{} }
func (g gate) Unlock() { <-g }

// enter is Lock, unless ctx ends before; then it returns its error.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Open opens the spool in a folder, or makes one. It always succeeds: when there is damage or the disk cannot be used it goes on without, and
// says so on the status board, in the log and in the metrics. What it does is told to nobody else: call Close.
func Open(o Options) *Spool {
	if o.system.fdatasync == nil {
		o.system = system{fdatasync: unix.Fdatasync, statfs: unix.Statfs}
	}
	s := &Spool{
		o: o, start: time.Now(), io: make(gate, 1), kick: make(chan struct{}, 1), stop: make(chan struct{}), ended: make(chan struct{}), dirty: make(chan struct{}, 1),
		queues: map[string]*Queue{}, sequences: result.NewSequences(), front: front{room: make(chan struct{})},
	}
	s.room = room{folder: o.Folder, max: o.MaxBytes, statfs: o.system.statfs}
	s.io.Lock()
	s.begin()
	s.io.Unlock()
	var all sync.WaitGroup
	all.Go(s.write)
	if o.Sync > 0 {
		all.Go(s.syncOften)
	}
	go func() {
		all.Wait()
		close(s.ended)
	}()
	return s
}

func (s *Spool) path() string { return filepath.Join(s.o.Folder, FileName) }

// now is the clock of the spool, which no correction of the time of day disturbs.
func (s *Spool) now() time.Duration { return time.Since(s.start) }

// plausible is before any time that a right clock shows.
var plausible = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

// when puts a time of day on the clock of the spool. A small computer without a battery starts in 1970: what cannot be right counts as now,
// so that a wrong clock makes results live longer, but never shorter.
func (s *Spool) when(accepted time.Time) time.Duration {
	age := time.Since(accepted)
	if accepted.Before(plausible) || age < 0 {
		age = 0
	}
	return s.now() - age
}

// A Receipt tells when a result is accepted.
type Receipt struct {
	done chan struct{}
	err  error
}

// Wait blocks until the result is accepted, and returns nil then. The error is ErrFull or ErrClosed when it was dropped, that of ctx when
// nobody knows yet.
func (r *Receipt) Wait(ctx context.Context) error {
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *Receipt) settle(err error) {
	r.err = err
	close(r.done)
}

// Append takes a result for some sinks, of which there may be 64 in all. It does not wait for the disk, unless the policy is Block and the
// spool is full; then it waits until there is room or ctx ends. An error says that the result is not taken.
func (s *Spool) Append(ctx context.Context, r result.Result, sinks []string) (*Receipt, error) {
	body, err := r.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("writing a result of camera %q: %w", r.Camera, err)
	}
	item := &item{
		record:  record{accepted: time.Now(), sequence: r.Sequence, camera: r.Camera, watch: r.Watch, body: body},
		receipt: &Receipt{done: make(chan struct{})},
	}
	for _, name := range sinks {
		item.record.sinks = append(item.record.sinks, mark{sink: name})
	}
	if len(body) > maxBody {
		s.refuse(item, ErrTooLarge)
		return nil, fmt.Errorf("camera %q, watch %q: %w: %d bytes", r.Camera, r.Watch, ErrTooLarge, len(body))
	}
	return item.receipt, s.admit(ctx, item)
}

// maxBody is far above what the service answers, and far below what the smallest spool can hold.
const maxBody = 1 << 20

// Sequences returns the counters of all cameras and watches, which go on where the file ends.
func (s *Spool) Sequences() *result.Sequences { return s.sequences }

// Waiting tells how many results wait for each sink, be it configured or not; those without any are left out.
func (s *Spool) Waiting() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := map[string]int{}
	for _, shelf := range s.book.shelves {
		if shelf.count > 0 {
			waiting[shelf.name] = shelf.count
		}
	}
	return waiting
}

// Close writes what has been appended and closes the file, but gives up when ctx ends: a disk may hang. It is called once, after the last
// Done. An Append that comes later fails.
func (s *Spool) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	s.front.wake()
	s.mu.Unlock()
	close(s.stop)
	closed := make(chan error, 1)
	go func() {
		<-s.ended
		closed <- s.closeStore()
	}()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return fmt.Errorf("closing the spool: %w", ctx.Err())
	}
}

// closeStore closes the file, once nobody writes any more.
func (s *Spool) closeStore() error {
	s.io.Lock()
	defer s.io.Unlock()
	s.over = true
	if s.exile.away() && s.Len() > 0 {
		return fmt.Errorf("closing the spool: %d results were in memory only and are lost: %w", s.Len(), s.exile.cause)
	}
	return s.store.close()
}

// Len returns how many results wait for at least one sink.
func (s *Spool) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.book.entries) - s.book.void
}

package spool

import (
	"context"
	"errors"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"go.uber.org/zap"
)

// ErrTooManySinks says that there are 64 already.
var ErrTooManySinks = errors.New("the spool serves no more than 64 sinks")

// A Queue gives one sink what it does not have yet: of each camera and watch first come, first served, and of all of them by turns. Next, Done and Dead belong to one goroutine; any may call the rest.
type Queue struct {
	spool   *Spool
	name    string
	arrived chan struct{} // holds a token when something may have come
	lent    []loan        // what Next has returned; the lock of the spool protects its positions
}

type loan struct {
	position uint64
	record   record
	result   result.Result
}

// Queue returns the queue of a sink, which may have results from an earlier life of the process. There is one for each name.
func (s *Spool) Queue(sink string) (*Queue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queues[sink]; q != nil {
		return q, nil
	}
	shelf := s.shelfFor(sink)
	if shelf == nil {
		return nil, ErrTooManySinks
	}
	shelf.wanted = true
	q := &Queue{spool: s, name: sink, arrived: make(chan struct{}, 1)}
	s.queues[sink] = q
	s.o.Meters.sink(sink)
	return q, nil
}

// Leave ends the queue of a sink that is no longer configured, which must not be used any more. What waits stays for the case that the sink
// comes back, within the bounds of the spool.
func (s *Spool) Leave(sink string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.queues, sink)
	s.o.Meters.forget(sink)
	if shelf := s.book.byName[sink]; shelf != nil {
		shelf.wanted, shelf.lent = false, nil
	}
}

// shelfFor returns the shelf of a sink that is served. When there are too many, what waits for one that left is dropped for it; nil when none
// did.
func (s *Spool) shelfFor(name string) *shelf {
	if shelf := s.book.shelf(name); shelf != nil {
		return shelf
	}
	for _, shelf := range s.book.shelves {
		if shelf.wanted {
			continue
		}
		var all []uint64
		for _, e := range s.book.first(shelf, shelf.count) {
			all = append(all, e.position)
		}
		s.o.Log.Warn("results were dropped because their sink is no longer configured", zap.String("sink", shelf.name), zap.Int("results", len(all)))
		s.o.Meters.dropped(shelf.name, reasonSize).Add(float64(len(all)))
		s.take(shelf, all)
		break
	}
	return s.book.shelf(name)
}

func (s *Spool) allQueues() (all []*Queue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.queues {
		all = append(all, q)
	}
	return all
}

func (q *Queue) wake() {
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

// Next blocks until something waits or ctx ends, and returns up to max results, of each camera and watch the oldest first. Until Done or Dead it returns the same ones,
// and then first those that are left of them. After Close of the spool it returns ErrClosed.
func (q *Queue) Next(ctx context.Context, max int) ([]result.Result, error) {
	for ctx.Err() == nil {
		for len(q.lent) == 0 && q.Len() > 0 && ctx.Err() == nil {
			if err := q.lend(ctx, max); err != nil {
				return nil, err
			}
		}
		if n := min(len(q.lent), max); n > 0 {
			batch := make([]result.Result, 0, n)
			for i := range n { // the position of a loan may change meanwhile
				batch = append(batch, q.lent[i].result)
			}
			return batch, nil
		}
		select {
		case <-q.arrived:
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

// lend reads what comes next. When that fails the file is replaced, so that the next attempt goes better.
func (q *Queue) lend(ctx context.Context, max int) error {
	s := q.spool
	if err := s.io.enter(ctx); err != nil {
		return err
	}
	defer s.io.Unlock()
	if s.over {
		return ErrClosed
	}
	s.mu.Lock()
	shelf := s.book.byName[q.name]
	entries := s.book.share(shelf, max)
	shelf.lent = nil
	for _, e := range entries {
		shelf.lent = append(shelf.lent, e.position)
	}
	s.mu.Unlock()

	var loans []loan
	for _, e := range entries {
		l := loan{position: e.position}
		text, err := s.store.assemble(kindResult, e.position, e.slots())
		if err != nil {
			s.mu.Lock()
			s.book.byName[q.name].lent = nil
			s.mu.Unlock()
			if !isBusy(err) { // SQLite has waited already
				s.replace(err)
			}
			return nil
		}
		if l.record, err = decodeRecord(text); err == nil {
			err = l.result.UnmarshalJSON(l.record.body)
		}
		if err != nil {
			q.spoil(e.position, err)
			continue
		}
		loans = append(loans, l)
	}
	s.mu.Lock()
	q.lent = loans
	s.mu.Unlock()
	return nil
}

// spoil drops a record that is whole and yet no result.
func (q *Queue) spoil(position uint64, err error) {
	s := q.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.Log.Error("a result in the spool cannot be read and is dropped", zap.Uint64("position", position), zap.Error(err))
	s.book.drop(position, func(sink string) { s.o.Meters.dropped(sink, reasonCorrupt).Inc() })
}

// Done notes that the sink has the first n of what Next returned.
func (q *Queue) Done(n int) {
	s := q.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	q.settle(n)
}

// settle takes the first n that are lent. The lock is held.
func (q *Queue) settle(n int) {
	var positions []uint64
	for _, l := range q.lent[:n] {
		positions = append(positions, l.position)
	}
	shelf := q.spool.book.byName[q.name]
	q.lent, shelf.lent = q.lent[n:], shelf.lent[min(n, len(shelf.lent)):]
	q.spool.take(shelf, positions)
}

// take notes that a sink does not wait for some results any more. The lock is held.
func (s *Spool) take(shelf *shelf, positions []uint64) {
	first := s.expectAcks()
	s.book.settle(shelf, positions)
	if first || shelf.taken >= acksMost || len(s.front.items) > 0 {
		s.wakeWriter()
	}
}

// expectAcks sets when the file has to know what sinks have taken, unless that is set, and tells whether it was not.
func (s *Spool) expectAcks() bool {
	for _, shelf := range s.book.shelves {
		if shelf.taken > 0 {
			return false
		}
	}
	s.acksDue = s.now() + acksAfter
	return true
}

// Len tells how many results wait for the sink, those included that Next has returned.
func (q *Queue) Len() int {
	q.spool.mu.Lock()
	defer q.spool.mu.Unlock()
	if shelf := q.spool.book.byName[q.name]; shelf != nil { // else the sink has left
		return shelf.count
	}
	return 0
}

// Oldest tells for how long the oldest has been waiting; 0 when nothing is.
func (q *Queue) Oldest() time.Duration {
	s := q.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if shelf := s.book.byName[q.name]; shelf != nil {
		if first := s.book.first(shelf, 1); len(first) > 0 {
			return max(s.now()-first[0].accepted, 0)
		}
	}
	return 0
}

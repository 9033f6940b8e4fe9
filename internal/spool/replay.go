package spool

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// Replay has results delivered to a sink again, marked as replayed, after all that waits: its dead letters, which are none then, and what it
// has had but others have not, as far as they died or were accepted at since or later. It returns how many.
func (s *Spool) Replay(ctx context.Context, sink string, since time.Time) (int, error) {
	had, err := s.had(sink, since)
	if err != nil {
		return 0, err
	}
	letters, died, err := s.died(sink, since)
	if err != nil {
		return 0, err
	}
	all := merge(letters, had)
	n := 0
	for batch := range slices.Chunk(all, groupItems) {
		done, err := s.again(ctx, batch, sink)
		if n += done; err != nil {
			return n, err
		}
	}
	return n, s.bury(died)
}

// again appends results once more, and returns how many are accepted.
func (s *Spool) again(ctx context.Context, batch []result.Result, sink string) (n int, err error) {
	var receipts []*Receipt
	for _, r := range batch {
		r.Replayed = true
		receipt, err := s.Append(ctx, r, []string{sink})
		if err != nil {
			return n, fmt.Errorf("replaying result %s: %w", r.ID, err)
		}
		receipts = append(receipts, receipt)
	}
	for i, receipt := range receipts {
		if err := receipt.Wait(ctx); err != nil {
			return n, fmt.Errorf("replaying result %s: %w", batch[i].ID, err)
		}
		n++
	}
	return n, nil
}

// merge puts two lists in the order of their times. What is in both, because others wait for a dead letter, is there once.
func merge(a, b []result.Result) (all []result.Result) {
	seen := map[string]bool{}
	for _, r := range slices.Concat(a, b) {
		if !seen[r.ID] {
			seen[r.ID], all = true, append(all, r)
		}
	}
	slices.SortStableFunc(all, func(a, b result.Result) int { return a.Time.Compare(b.Time) })
	return all
}

// had returns the results that a sink has had but that are still there.
func (s *Spool) had(sink string, since time.Time) (all []result.Result, err error) {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	entries := append([]entry(nil), s.book.entries...)
	var bit uint64
	if shelf := s.book.byName[sink]; shelf != nil {
		bit = shelf.bit
	}
	s.mu.Unlock()
	for _, e := range entries {
		if e.waiting == 0 || e.waiting&bit != 0 {
			continue
		}
		text, err := s.store.assemble(kindResult, e.position, e.slots())
		if err != nil {
			return nil, err
		}
		r, err := decodeRecord(text)
		if err != nil {
			return nil, err
		}
		if !r.accepted.Before(since) && slices.ContainsFunc(r.sinks, func(m mark) bool { return m.sink == sink }) {
			var again result.Result
			if err := again.UnmarshalJSON(r.body); err != nil {
				return nil, err
			}
			all = append(all, again)
		}
	}
	return all, nil
}

// died returns the dead letters of a sink.
func (s *Spool) died(sink string, since time.Time) (all []result.Result, letters map[uint64]bool, err error) {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	candidates := append([]letter(nil), s.book.letters...)
	s.mu.Unlock()
	letters = map[uint64]bool{}
	for _, l := range candidates {
		if l.sink != sink {
			continue
		}
		d, err := readLetter(s.store, l)
		if err != nil {
			return nil, nil, err
		}
		if !d.Time.Before(since) {
			all, letters[l.number] = append(all, d.Event), true
		}
	}
	return all, letters, nil
}

// bury removes dead letters from the file.
func (s *Spool) bury(letters map[uint64]bool) error {
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	slots := 0
	for i := len(s.book.letters) - 1; i >= 0; i-- {
		if l := s.book.letters[i]; letters[l.number] {
			slots += len(l.slots)
			s.book.dropLetter(i)
		}
	}
	rest := len(s.book.free) - slots // the lock of the store keeps others from using these slots before
	empty := slices.Clone(s.book.free[rest:])
	s.book.free = s.book.free[:rest]
	s.mu.Unlock()
	return s.vacate(empty)
}

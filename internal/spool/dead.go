package spool

import (
	"time"

	"go.uber.org/zap"
)

// letterShare is how much of the file dead letters may take: an eighth. The oldest go first.
const letterShare = 8

// Dead puts the first of what Next returned aside, because the sink will never take it: reason says why, and must hold no secrets. It stays
// in the file, for a person to look at and have it delivered again. Dead waits for the disk.
func (q *Queue) Dead(reason string, attempts int) {
	s := q.spool
	s.io.Lock()
	defer s.io.Unlock()
	s.mu.Lock()
	l := q.lent[0]
	letter := deadLetter{record: l.record, sink: q.name, reason: reason, attempts: attempts, died: time.Now()}
	letter.record.sinks = nil
	q.settle(1)
	s.o.Meters.dropped(q.name, reasonDead).Inc()
	s.mu.Unlock()
	if err := s.keep(letter.sink, letter.encode()); err != nil {
		s.o.Log.Error("a dead letter could not be kept", zap.String("sink", q.name), zap.String("id", l.result.ID), zap.Error(err))
	}
}

// keep writes a dead letter, and in the same transaction how far its sink is, so that the result does not come back to life.
func (s *Spool) keep(sink string, letter []byte) (err error) {
	for grow := range 4 {
		if err = s.try(s.planLetter(sink, letter, 64*grow)); err == nil || isBusy(err) {
			break
		}
	}
	return err
}

// planLetter plans a dead letter. It is worth more than the oldest results, where these may be dropped.
func (s *Spool) planLetter(sink string, letter []byte, grow int) *plan {
	left := s.pagesLeft()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropFor(partsOf(len(letter))+2+grow, left)
	p := &plan{acked: map[*shelf]int{}, letter: true, rows: s.book.enterLetter(sink, letter, s.letterLimit())}
	s.enterCursors(p)
	p.empty = s.book.spare(grow)
	return p
}

// letterLimit is how many parts dead letters may have.
func (s *Spool) letterLimit() int {
	return max(1, int(s.room.limit(unlimited))/letterShare)
}

// reserve is how many parts results must leave to dead letters where no older results make room for them.
func (s *Spool) reserve() int {
	if s.drops() {
		return 0
	}
	reserve := s.letterLimit() / 4
	for _, l := range s.book.letters {
		reserve -= len(l.slots)
	}
	return max(reserve, 0)
}

// enterLetter plans a dead letter: it is in the book at once. Older ones make room for it.
func (b *book) enterLetter(sink string, text []byte, limit int) (rows []row) {
	b.letter++
	parts := split(kindDead, b.letter, text)
	total := len(parts)
	for _, l := range b.letters {
		total += len(l.slots)
	}
	for total > limit && len(b.letters) > 0 {
		total -= len(b.letters[0].slots)
		b.dropLetter(0)
	}
	slots := b.allot(len(parts))
	for i, part := range parts {
		rows = append(rows, row{slots[i], part})
	}
	b.letters = append(b.letters, letter{b.letter, sink, slots})
	return rows
}

func (b *book) dropLetter(i int) {
	b.release(b.letters[i].slots)
	b.letters = append(b.letters[:i:i], b.letters[i+1:]...)
}

// DeadLetters tells how many dead letters of the sink are kept.
func (q *Queue) DeadLetters() (n int) {
	q.spool.mu.Lock()
	defer q.spool.mu.Unlock()
	for _, l := range q.spool.book.letters {
		if l.sink == q.name {
			n++
		}
	}
	return n
}

package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"go.uber.org/zap"
)

// FileName is the file of the spool in its folder.
const FileName = "spool.db"

// newSuffix marks a file that is to take the place of another one and is not complete yet, readySuffix one that is complete: from then on it
// counts, whatever else lies there.
const (
	newSuffix   = ".new"
	readySuffix = ".ready"
)

// begin opens the file, or goes on in memory. The lock of the store is held, as in all that follows.
func (s *Spool) begin() {
	store, book, err := s.openFile()
	if err != nil {
		s.goIntoExile(err)
	} else {
		s.install(store, book, 0)
		s.room.look(store, s.now())
	}
	s.o.Meters.watch(s)
	s.show(nil)
	s.bytes.Store(s.store.size() + sizeOf(s.room.ballast()))
}

// install makes a store the one in use, a copy of the one before with regard to all that is newer than a position. Loans stay: they are known
// by their positions.
func (s *Spool) install(store *store, book *book, newer uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.book != nil {
		book.inherit(s.book, newer)
	}
	s.store, s.book = store, book
	for name := range s.queues {
		if shelf := book.byName[name]; shelf != nil {
			shelf.wanted = true
		}
	}
	for name, q := range s.queues {
		shelf := s.shelfFor(name)
		shelf.wanted = true
		for _, l := range q.lent {
			shelf.lent = append(shelf.lent, l.position)
		}
		q.wake()
	}
	for key, tail := range book.streams {
		s.sequences.Continue(key.camera, key.watch, tail.sequence)
	}
}

// inherit takes over from the book before what a file does not know: exact times, what sinks have taken since it was written, and numbers
// that must not be used again.
func (b *book) inherit(old *book, newer uint64) {
	for i := range b.entries {
		if e := old.at(b.entries[i].position); e != nil {
			b.entries[i].accepted = e.accepted
		}
	}
	for _, before := range old.shelves {
		s := b.shelf(before.name)
		if s == nil {
			continue
		}
		s.taken = before.taken
		for _, e := range b.first(s, s.count) {
			if had := old.at(e.position); e.position > newer && (had == nil || had.waiting&before.bit == 0) {
				b.take(b.at(e.position), s)
			}
		}
	}
	b.position = max(b.position, old.position)
}

// openFile opens the file of the folder. If that is damaged it is set aside, and what is readable of it is in a new one.
func (s *Spool) openFile() (st *store, b *book, err error) {
	if err := errors.Join(removeDatabase(s.path()+newSuffix), s.endSwap()); err != nil { // of an earlier life
		return nil, nil, err
	}
	log := s.unfinished()
	if st, b, err = s.readAll(log); isFull(err) { // SQLite wants a little room even to read
		_ = removeIfThere(s.room.ballast())
		st, b, err = s.readAll(log)
	}
	if err == nil || !isDamage(err) && !guard.Panicked(err) {
		return st, b, err
	}
	return s.salvage(err)
}

// endSwap ends what a process began that was killed while one file took the place of another.
func (s *Spool) endSwap() error {
	if _, err := os.Lstat(s.path() + readySuffix); err != nil {
		return nil
	}
	return s.swap(errSwap)
}

// readAll reads the file, and what is left of its log.
func (s *Spool) readAll(log []byte) (st *store, b *book, err error) {
	if st, b, err = s.read(); err != nil {
		return nil, nil, err
	}
	if b, err = s.rescue(st, b, log); err != nil {
		st.close()
		return nil, nil, err
	}
	return st, b, nil
}

// read opens and reads the file and finds it in order, or fails.
func (s *Spool) read() (st *store, b *book, err error) {
	err = guard.Run(func() (err error) { // SQLite is not meant to panic on any file, but this is where it would
		if st, err = openStore(s.path()); err != nil {
			return err
		}
		if err = st.check(); err == nil {
			b, err = load(st, s.when)
		}
		return err
	})
	if err != nil && st != nil {
		st.close()
	}
	return st, b, err
}

// unfinished returns the log that a process left which was killed. SQLite removes the log and its index when it ends: where only the index is
// left, somebody has removed the log, and nobody can say how many results were in it.
func (s *Spool) unfinished() []byte {
	file, err := os.Open(s.path() + "-wal")
	if err != nil {
		if sizeOf(s.path()+"-shm") > 0 {
			s.missLog()
		}
		return nil
	}
	defer file.Close()
	text, _ := io.ReadAll(io.LimitReader(file, 8*walBytes))
	if len(text) > 0 && len(text) < walHead {
		s.missLog()
	}
	return text
}

// missLog tells that the log is missing.
func (s *Spool) missLog() {
	s.o.Meters.missing.Inc()
	s.o.Log.Error("the log of the spool is missing: results that were accepted shortly before the last end are lost, nobody knows how many")
	s.o.Part.Detail("log_missing", time.Now().UTC().Format(time.RFC3339))
}

// rescue looks for newer results in what is left of the log than SQLite has found: it ends at the first frame that is not whole, and a
// power cut may have left whole ones behind that.
func (s *Spool) rescue(st *store, b *book, log []byte) (*book, error) {
	newer := map[uint64]map[uint16][]byte{}
	count := map[uint64]int{}
	findParts(log, func(p part, raw []byte) { // a page that was written several times is there several times
		if p.kind == kindResult && p.position > b.position {
			if newer[p.position] == nil {
				newer[p.position] = map[uint16][]byte{}
			}
			newer[p.position][p.index], count[p.position] = raw, int(p.count)
		}
	})
	var rows []row
	for position, parts := range newer {
		if len(parts) == count[position] {
			for _, raw := range parts {
				rows = append(rows, row{b.allot(1)[0], raw})
			}
		}
	}
	if len(rows) == 0 {
		return b, nil
	}
	s.o.Log.Warn("results were found behind the end of the spool's log", zap.Int("parts", len(rows)))
	if err := st.write(rows, nil); err != nil {
		return nil, err
	}
	more, err := load(st, s.when)
	if err == nil {
		for _, shelf := range more.shelves { // what was missing before has been dropped
			if before := b.byName[shelf.name]; before != nil {
				shelf.missing -= before.missing
			}
		}
		s.countMissing(more, errDamaged)
	}
	return more, err
}

// show tells the status board how things are.
func (s *Spool) show(err error) {
	switch {
	case s.exile.away():
		s.o.Part.Set("memory", s.exile.cause)
	case err != nil:
		s.o.Part.Set("full", err)
	case s.full:
		s.o.Part.Set("full", ErrFull)
	default:
		s.o.Part.Set("ok", nil)
		s.o.Part.Well()
	}
	s.full = false
}

// removeDatabase removes a file of SQLite and what belongs to it.
func removeDatabase(path string) error {
	err := errors.Join(removeIfThere(path), removeIfThere(path+"-wal"), removeIfThere(path+"-shm"))
	if err != nil {
		return fmt.Errorf("removing an old file of the spool: %w", err)
	}
	return nil
}

package spool

import (
	"errors"
	"time"

	"go.uber.org/zap"
)

// comeBackEvery is how often we try whether the disk works again.
const comeBackEvery = 5 * time.Second

// An exile is the time in which the disk cannot be used and results are in memory.
type exile struct {
	cause error         // why; nil while the file is in use
	next  time.Duration // when to try again
	taken bool          // all that the file has is in memory or was counted as lost, so the file is of no use any more
	sick  bool          // it is damaged as well
}

func (e *exile) away() bool { return e.cause != nil }

// goIntoExile goes on in memory. There is nothing in it yet.
func (s *Spool) goIntoExile(cause error) {
	memory := s.openMemory()
	s.banish(cause)
	s.install(memory, newBook(), 0)
	s.continueSequences()
}

// continueSequences learns from files that cannot be used, but perhaps read, how far results have been counted.
func (s *Spool) continueSequences() {
	for _, name := range []string{s.path(), s.path() + "-wal", s.path() + readySuffix} {
		_ = scan(name, func(p part, _ []byte) { // what cannot be read is not there
			if r, _ := decodeRecord(p.data); p.kind == kindResult && p.index == 0 && r.camera != "" {
				s.sequences.Continue(r.camera, r.watch, r.sequence)
			}
		})
	}
}

// leastSlots is how many parts a file must have room for to be of use. As many pages fit into the place of the ballast.
const leastSlots = 200

// flee goes on in memory when the disk is so full that hardly anything fits into the file.
func (s *Spool) flee(cause error) {
	if !s.exile.away() && s.book.end < leastSlots {
		s.replaceByMemory(s.store, true, cause)
	}
}

// openMemory opens a store in memory, with a bound.
func (s *Spool) openMemory() *store {
	memory, err := openStore("")
	if err != nil {
		panic("spool: SQLite does not even work in memory: " + err.Error()) // nothing outside this program can cause that
	}
	_ = memory.limit(s.room.memoryPages())
	return memory
}

// banish notes that the disk cannot be used.
func (s *Spool) banish(cause error) {
	s.room.memory = true
	s.postpone(cause)
	s.o.Log.Error("the spool cannot use its folder; results are kept in memory and do not survive the end of the process", zap.Error(cause))
}

// postpone sets when to try again.
func (s *Spool) postpone(cause error) {
	s.exile.cause, s.exile.next = cause, s.now()+comeBackEvery
	s.mu.Lock()
	s.comeBack = s.exile.next
	s.mu.Unlock()
}

// returnFromExile tries to go back to disk when it is time, and once more at the end.
func (s *Spool) returnFromExile(last bool) {
	if !s.exile.away() || s.now() < s.exile.next && !last {
		return
	}
	err := s.settleOnDisk()
	if err != nil {
		s.postpone(err)
		s.show(nil)
		return
	}
	s.o.Log.Info("the spool is on disk again")
	s.show(nil)
}

// settleOnDisk opens the file again, or makes a new one, and adds to it what is in memory.
func (s *Spool) settleOnDisk() error {
	if s.exile.taken {
		if err := s.retire(); err != nil {
			return err
		}
	}
	disk, book, err := s.openFile()
	if err != nil {
		return err
	}
	newer := book.position
	moved, err := s.move(disk, book)
	if err == nil {
		book, err = load(disk, s.when)
	}
	if err != nil {
		return errors.Join(err, disk.close())
	}
	s.enthrone(disk, book, moved, newer)
	return nil
}

// enthrone makes a file the store in use instead of memory.
func (s *Spool) enthrone(disk *store, book *book, moved map[uint64]uint64, newer uint64) {
	memory := s.store
	s.exile, s.room.memory, s.room.looked = exile{}, false, 0
	s.mu.Lock()
	s.comeBack = 0
	for _, q := range s.queues {
		for i := range q.lent {
			q.lent[i].position = moved[q.lent[i].position]
		}
	}
	for i := range s.book.entries { // so that the new book inherits their times
		s.book.entries[i].position = moved[s.book.entries[i].position]
	}
	s.mu.Unlock()
	s.install(disk, book, newer)
	memory.close()
	s.room.look(disk, s.now())
	s.soil()
}

// retire takes a file away that is of no use any more.
func (s *Spool) retire() error {
	if err := removeDatabase(s.path() + readySuffix); err != nil {
		return err
	}
	if !s.exile.sick {
		return removeDatabase(s.path())
	}
	return s.setAside(s.exile.cause)
}

// move adds what waits in memory to a file that may have results of its own, which are older. It returns the new positions by the old ones.
func (s *Spool) move(disk *store, book *book) (moved map[uint64]uint64, err error) {
	moved = map[uint64]uint64{}
	s.mu.Lock()
	entries := append([]entry(nil), s.book.entries...)
	letters := append([]letter(nil), s.book.letters...)
	s.mu.Unlock()
	position := book.position
	var rows []row
	for _, e := range entries {
		position++ // also where nothing waits, so that order is kept
		moved[e.position] = position
		if e.waiting == 0 {
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
		r.sinks = s.waitingFor(e.waiting)
		rows = book.lay(rows, kindResult, position, r.encode())
	}
	for _, l := range letters {
		if text, err := s.store.assemble(kindDead, l.number, l.slots); err == nil {
			book.letter++
			rows = book.lay(rows, kindDead, book.letter, text)
		}
	}
	rows = s.layTails(rows, book, position)
	return moved, disk.write(rows, nil)
}

// waitingFor names the sinks of some bits, all of them at their beginning.
func (s *Spool) waitingFor(bits uint64) (marks []mark) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, shelf := range s.book.shelves {
		if bits&shelf.bit != 0 {
			marks = append(marks, mark{sink: shelf.name})
		}
	}
	return marks
}

// layTails plans a record without sinks and body for each camera and watch: the memory of its sequence.
func (s *Spool) layTails(rows []row, to *book, position uint64) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, tail := range s.book.streams {
		position++
		r := record{accepted: time.Now(), sequence: tail.sequence, camera: key.camera, watch: key.watch}
		rows = to.lay(rows, kindResult, position, r.encode())
	}
	return rows
}

// lay plans where a record goes.
func (b *book) lay(rows []row, k kind, position uint64, text []byte) []row {
	parts := split(k, position, text)
	for i, slot := range b.allot(len(parts)) {
		rows = append(rows, row{slot, parts[i]})
	}
	return rows
}

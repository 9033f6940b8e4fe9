package spool

import (
	"cmp"
	"slices"
	"time"
)

// A book knows what is in the slots of a store, so that the store has to be asked for nothing but the bodies of records. It does no I/O, and
// is not safe for use by more than one goroutine.
//
// Order is in the positions, which grow with every record and are never used twice; slots are only places. The slot of a record that all its
// sinks have is used again, which costs one page, where a deletion and a new row cost five.
type book struct {
	entries []entry // by position; those that nobody waits for are taken out later
	void    int     // how many of them are
	shelves []*shelf
	byName  map[string]*shelf
	streams map[stream]*tail
	letters []letter // by number

	position uint64   // the last that was given to a record; 0: none yet
	newest   uint64   // the last that is in the file
	free     []uint32 // slots that have a page, the ones to use first at the end
	holes    []uint32 // slots that gave their page back; the store grows when one is used
	end      uint32   // the first slot that was never used
	letter   uint64   // number of the newest dead letter
	cursors  []uint32 // slots of the record of cursors
	turn     uint64   // its number, which grows with each
	parts    int      // in use by entries, dead letters and cursors
}

// maxSinks is how many sinks there can be: one bit each.
const maxSinks = 64

// An entry is a record that at least one sink waits for.
type entry struct {
	position uint64
	accepted time.Duration // on the clock of the spool
	waiting  uint64        // a bit for each sink that does not have it yet
	tail     *tail
	sequence uint64
	first    uint32   // slot of the first part
	more     []uint32 // and of the others
}

func (e *entry) slots() []uint32 { return append([]uint32{e.first}, e.more...) }

// A letter is a dead letter. They are numbered by themselves.
type letter struct {
	number uint64
	sink   string
	slots  []uint32
}

type stream struct{ camera, watch string }

// A tail is what is newest of a camera and watch. Its record stays when all sinks have it, until there is a newer one, because it is the
// memory of how far the sequence has come.
type tail struct {
	sequence uint64
	kept     []uint32 // slots, once its record is done
	queued   []int    // of use to share only
}

// A shelf is what one sink waits for.
type shelf struct {
	name  string
	bit   uint64
	count int
	lent  []uint64 // positions of what is being delivered: nothing of that is dropped
	skip  int      // no entry before this index of entries waits for it
	taken int      // how many it has taken that the file does not know of

	overtaken bool // something was lent before what is older

	missing int  // how many positions after that were not found there, at most
	wanted  bool // it has a queue
}

func newBook() *book { return &book{byName: map[string]*shelf{}, streams: map[stream]*tail{}} }

// shelf returns the one of a sink, a new one if there is none; nil when there are too many.
func (b *book) shelf(name string) *shelf {
	if s := b.byName[name]; s != nil {
		return s
	}
	var used uint64
	for _, s := range b.shelves {
		used |= s.bit
	}
	for i := range maxSinks {
		if bit := uint64(1) << i; used&bit == 0 {
			return b.place(name, bit)
		}
	}
	for i, old := range b.shelves { // one that is no longer configured makes place
		if old.count == 0 && !old.wanted {
			delete(b.byName, old.name)
			b.shelves = slices.Delete(b.shelves, i, i+1)
			return b.place(name, old.bit)
		}
	}
	return nil
}

func (b *book) place(name string, bit uint64) *shelf {
	s := &shelf{name: name, bit: bit}
	b.shelves, b.byName[name] = append(b.shelves, s), s
	return s
}

// tailOf returns the tail of a camera and watch.
func (b *book) tailOf(camera, watch string) *tail {
	key := stream{camera, watch}
	if b.streams[key] == nil {
		b.streams[key] = &tail{}
	}
	return b.streams[key]
}

// allot returns n slots: those first that cost no new page.
func (b *book) allot(n int) []uint32 {
	slots := make([]uint32, 0, n)
	for range n {
		from := &b.free
		if len(*from) == 0 {
			from = &b.holes
		}
		if last := len(*from) - 1; last >= 0 {
			slots, *from = append(slots, (*from)[last]), (*from)[:last]
			continue
		}
		slots = append(slots, b.end)
		b.end++
	}
	b.parts += n
	return slots
}

// spare takes out up to n free slots, for their pages.
func (b *book) spare(n int) []uint32 {
	n = min(n, len(b.free))
	slots := slices.Clone(b.free[:n])
	b.free = b.free[n:]
	return slots
}

// release makes slots free again.
func (b *book) release(slots []uint32) {
	b.free = append(b.free, slots...)
	b.parts -= len(slots)
}

// keepCursors notes where the newest record of cursors is. The place of the one before is free.
func (b *book) keepCursors(turn uint64, slots []uint32) {
	b.release(b.cursors)
	b.cursors, b.turn = slots, turn
}

// add takes a record in that has been written. Positions must grow.
func (b *book) add(e entry) {
	t := e.tail
	if e.sequence > t.sequence {
		t.sequence = e.sequence
		b.release(t.kept)
		t.kept = nil
	}
	for _, s := range b.shelves {
		if e.waiting&s.bit != 0 {
			s.count++
		}
	}
	b.entries, b.newest = append(b.entries, e), e.position
	if e.waiting == 0 {
		b.finish(&b.entries[len(b.entries)-1])
	}
}

// finish gives back the slots of an entry that nobody waits for any more, unless its stream needs them.
func (b *book) finish(e *entry) {
	if e.sequence == e.tail.sequence && e.tail.kept == nil {
		e.tail.kept = e.slots()
	} else {
		b.release(e.slots())
	}
	b.void++
	e.more = nil
	b.tidy()
}

// tidy takes out what nobody waits for: at the front at once, in between when it is the greater part.
func (b *book) tidy() {
	n := 0
	for n < len(b.entries) && b.entries[n].waiting == 0 {
		n++
	}
	if b.void-n > len(b.entries)/2 && b.void > 1024 {
		b.entries = slices.DeleteFunc(b.entries, func(e entry) bool { return e.waiting == 0 })
		b.void, n = 0, 0
		for _, s := range b.shelves {
			s.skip = 0
		}
	}
	b.entries, b.void = b.entries[n:], b.void-n
	for _, s := range b.shelves {
		s.skip = max(0, s.skip-n)
	}
}

// find returns the index of the first entry at or after a position.
func (b *book) find(position uint64) int {
	i, _ := slices.BinarySearchFunc(b.entries, position, func(e entry, p uint64) int { return cmp.Compare(e.position, p) })
	return i
}

// first returns up to max of the entries that a sink waits for, oldest first.
func (b *book) first(s *shelf, max int) (waiting []entry) {
	for i := s.skip; i < len(b.entries) && len(waiting) < max && len(waiting) < s.count; i++ {
		if b.entries[i].waiting&s.bit != 0 {
			if len(waiting) == 0 {
				s.skip = i
			}
			waiting = append(waiting, b.entries[i])
		}
	}
	return waiting
}

// cursor returns the position up to which a sink has everything.
func (b *book) cursor(s *shelf) uint64 {
	if s.count == 0 {
		return b.newest
	}
	return b.first(s, 1)[0].position - 1
}

// cursorsRecord says how far all sinks are.
func (b *book) cursorsRecord() *cursors {
	c := &cursors{}
	for _, s := range b.shelves {
		c.marks = append(c.marks, mark{s.name, b.cursor(s)})
		c.leads = append(c.leads, b.leads(s)...)
	}
	return c
}

// settle notes that a sink does not wait for some positions any more.
func (b *book) settle(s *shelf, positions []uint64) {
	for _, p := range positions {
		if e := b.at(p); e != nil {
			b.take(e, s)
		}
	}
	s.taken += len(positions)
}

// at returns the entry at a position, or nil.
func (b *book) at(position uint64) *entry {
	if i := b.find(position); i < len(b.entries) && b.entries[i].position == position {
		return &b.entries[i]
	}
	return nil
}

// take notes that a sink does not wait for an entry any more.
func (b *book) take(e *entry, s *shelf) {
	if e.waiting&s.bit == 0 {
		return
	}
	e.waiting &^= s.bit
	s.count--
	if e.waiting == 0 {
		b.finish(e)
	}
}

// oldest returns the oldest entries that are not being delivered and have at least so many parts together. With before, only those that
// were accepted no later than that.
func (b *book) oldest(parts int, before time.Duration) (victims []uint64) {
	for i := 0; i < len(b.entries) && parts > 0; i++ {
		e := &b.entries[i]
		if !b.mayGo(e) {
			continue
		}
		if e.accepted > before {
			break
		}
		victims, parts = append(victims, e.position), parts-1-len(e.more)
	}
	return victims
}

// mayGo tells whether an entry may be dropped: somebody waits for it, and nobody is busy with it.
func (b *book) mayGo(e *entry) bool { return e.waiting != 0 && !b.isLent(e) }

func (b *book) isLent(e *entry) bool {
	for _, s := range b.shelves {
		if e.waiting&s.bit != 0 && slices.Contains(s.lent, e.position) {
			return true
		}
	}
	return false
}

// drop takes a record from all sinks that wait for it, and calls lost for each of them.
func (b *book) drop(position uint64, lost func(sink string)) {
	for _, s := range b.shelves {
		if e := b.at(position); e != nil && e.waiting&s.bit != 0 {
			lost(s.name)
			b.take(e, s)
		}
	}
}

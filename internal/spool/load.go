package spool

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A piece is a part of a record that has several, or of one that is no result, as the reader of a store notes it.
type piece struct {
	kind         kind
	position     uint64
	index, count uint16
	slot         uint32
}

// A loader makes a book of what is in a store. With a hundred thousand results in there it has to be thrifty: most results have one part, and
// of these it keeps nothing but the entry.
type loader struct {
	store   *store
	age     func(accepted time.Time) time.Duration // when that was, on the clock of the spool
	book    *book
	cursors map[*shelf]uint64
	sinks   map[string]*claim
	tails   map[string]*tail // by camera and watch as they are written
	leads   []lead
	ahead   map[leadKey]uint64 // what leads says of streams that there are
	entries []entry            // of all results, for all sinks that want them or wanted them
	pieces  []piece
	slots   []use  // what each slot is for
	crowded bool   // there are sinks without a bit
	highest uint64 // of the cursors
	damaged int    // parts whose checksum is wrong
}

// use is what a slot is for.
type use byte

const (
	hole  use = iota // nothing is in it
	free             // what is in it is out of date
	taken            // the book knows it
)

// load reads a store. The book is good even when there is an error that isDamage knows: then it has what could be read.
func load(s *store, age func(time.Time) time.Duration) (*book, error) {
	l := newLoader(s, age)
	err := l.read()
	if l.crowded {
		l = l.another()
		err = l.read()
	}
	l.settle()
	if err == nil && l.damaged > 0 {
		err = fmt.Errorf("%w: the checksum of %d parts is wrong", errDamaged, l.damaged)
	}
	return l.book, err
}

func newLoader(s *store, age func(time.Time) time.Duration) *loader {
	return &loader{store: s, age: age, book: newBook(), cursors: map[*shelf]uint64{}, sinks: map[string]*claim{}, tails: map[string]*tail{}}
}

// A leadKey is a sink and a stream.
type leadKey struct {
	sink   string
	stream *tail
}

// A claim is what a sink is known to have, and the last that was for it. In what is out of date there may be any number of sinks, more than
// there are bits: then there is a second reading for those for which there was something most recently.
type claim struct {
	shelf        *shelf
	cursor, last uint64
	void         bool
}

// another returns a loader that knows what one has learnt about the sinks.
func (l *loader) another() *loader {
	again := newLoader(l.store, l.age)
	var open []*claim
	for name, c := range l.sinks {
		c = &claim{cursor: c.cursor, last: c.last, void: c.cursor >= c.last}
		if again.sinks[name] = c; !c.void {
			open = append(open, c)
		}
	}
	slices.SortFunc(open, func(a, b *claim) int { return cmp.Compare(b.last, a.last) })
	for _, c := range open[min(maxSinks, len(open)):] {
		c.void = true
	}
	return again
}

// read looks at all slots.
func (l *loader) read() error {
	err := l.prepare()
	if err == nil {
		err = l.store.each(l.note)
	}
	l.assemble()
	return err
}

// maxHoles is how many slots more than there is room for in its pages a store may have been through.
const maxHoles = 1 << 24

// prepare makes room for what comes.
func (l *loader) prepare() error {
	pages, _, err := l.store.pages()
	if err != nil {
		return err
	}
	end, err := l.store.number("SELECT ifnull(max(slot)+1, 0) FROM parts")
	if err == nil && (end < 0 || end > maxHoles+32*pages) {
		err = fmt.Errorf("%w: it has a slot %d", errDamaged, end-1)
	}
	if err == nil {
		l.entries, l.slots = make([]entry, 0, min(end, pages)), make([]use, end)
	}
	return err
}

// note looks at one slot. All that it learns only grows, so old parts that lie in free slots do no harm.
func (l *loader) note(place int64, text []byte) {
	p, size, ok := parsePart(text)
	if !ok || size != len(text) || place < 0 || place >= int64(len(l.slots)) {
		l.damaged++
		return
	}
	slot := uint32(place)
	l.slots[slot] = free
	if p.kind == kindResult && p.count == 1 {
		if e, ok := l.entryOf(p.position, p.data); ok {
			e.first = slot
			l.entries = append(l.entries, e)
			return
		}
	}
	l.pieces = append(l.pieces, piece{p.kind, p.position, p.index, p.count, slot})
}

// entryOf reads the head of a result, without allocating anything.
func (l *loader) entryOf(position uint64, text []byte) (e entry, ok bool) {
	in := reader{rest: text}
	e = entry{position: position, accepted: l.age(time.UnixMilli(in.varint())), sequence: in.uvarint()}
	names := in.rest
	camera, watch := in.bytes(), in.bytes()
	names = names[:len(names)-len(in.rest)]
	if in.failed {
		return e, false
	}
	if e.tail = l.tails[string(names)]; e.tail == nil {
		e.tail = l.book.tailOf(string(camera), string(watch))
		l.tails[string(names)] = e.tail
	}
	for range in.uvarint() {
		name, cursor := in.bytes(), in.uvarint()
		if in.failed {
			return e, false
		}
		e.waiting |= l.learn(name, cursor, position)
	}
	return e, !in.failed
}

// learn notes how far a sink is at least, and returns its bit. The position is that of a result for it, or 0.
func (l *loader) learn(name []byte, cursor, position uint64) uint64 {
	c := l.sinks[string(name)]
	if c == nil {
		c = &claim{}
		l.sinks[string(name)] = c
	}
	c.cursor, c.last = max(c.cursor, cursor), max(c.last, position)
	l.highest = max(l.highest, cursor)
	if c.shelf == nil && !c.void && len(l.book.shelves) < maxSinks {
		c.shelf = l.book.shelf(string(name))
	}
	if c.shelf == nil {
		l.crowded = true
		return 0
	}
	l.cursors[c.shelf] = c.cursor
	return c.shelf.bit
}

// assemble puts records together that have several parts, or are no results. A result of which parts are missing is one that is done: its slots
// were used again.
func (l *loader) assemble() {
	slices.SortFunc(l.pieces, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.position, b.position), cmp.Compare(a.index, b.index))
	})
	l.pieces = slices.CompactFunc(l.pieces, func(a, b piece) bool {
		return a.kind == b.kind && a.position == b.position && a.index == b.index
	})
	for _, g := range groups(l.pieces) {
		if !isWhole(g) {
			continue
		}
		if text, err := l.store.assemble(g[0].kind, g[0].position, slotsOf(g)); err == nil {
			l.enter(g, text)
		}
	}
}

// enter takes in a whole record.
func (l *loader) enter(g []piece, text []byte) {
	b, slots := l.book, slotsOf(g)
	switch g[0].kind {
	case kindResult:
		if e, ok := l.entryOf(g[0].position, text); ok {
			e.first, e.more = slots[0], slots[1:]
			l.entries = append(l.entries, e)
		}
		return
	case kindCursors:
		c, _ := decodeCursors(text)
		for _, m := range c.marks {
			l.learn([]byte(m.sink), m.cursor, 0)
		}
		l.leads = append(l.leads, c.leads...)
		b.parts += len(slots)
		b.keepCursors(g[0].position, slots) // the newest comes last
	case kindDead:
		d, _ := decodeDead(text)
		b.parts += len(slots)
		b.letters, b.letter = append(b.letters, letter{g[0].position, d.sink, slots}), g[0].position
	default:
		return
	}
	for _, slot := range slots {
		l.slots[slot] = taken
	}
}

// follow notes what leads mean for the streams that there are. Their positions were used, like all others that are known of.
func (l *loader) follow() {
	l.ahead = map[leadKey]uint64{}
	for _, lead := range l.leads {
		l.highest = max(l.highest, lead.position)
		if s := l.book.byName[lead.sink]; s != nil {
			s.overtaken = true
		}
		if t := l.book.streams[lead.stream]; t != nil {
			key := leadKey{lead.sink, t}
			l.ahead[key] = max(l.ahead[key], lead.position)
		}
	}
}

func (l *loader) waiting(e entry) (bits uint64) {
	for _, s := range l.book.shelves {
		if e.waiting&s.bit != 0 && l.cursors[s] < e.position && (len(l.ahead) == 0 || l.ahead[leadKey{s.name, e.tail}] < e.position) {
			bits |= s.bit
		}
	}
	return bits
}

// settle puts the results into the book, in the order of their positions, and notes which slots are free.
func (l *loader) settle() {
	b := l.book
	slices.SortFunc(l.entries, func(x, y entry) int { return cmp.Compare(x.position, y.position) })
	l.entries = slices.CompactFunc(l.entries, func(x, y entry) bool { return x.position == y.position })
	l.follow()
	b.position = l.highest
	if n := len(l.entries); n > 0 {
		b.position = max(b.position, l.entries[n-1].position)
	}
	for _, s := range b.shelves {
		i, _ := slices.BinarySearchFunc(l.entries, l.cursors[s]+1, func(e entry, p uint64) int { return cmp.Compare(e.position, p) })
		s.missing = int(b.position-l.cursors[s]) - (len(l.entries) - i)
	}
	b.end = uint32(len(l.slots))
	b.entries = l.entries[:0] // what is added was read before
	for _, e := range l.entries {
		for _, slot := range e.slots() {
			l.slots[slot] = taken
		}
		e.waiting = l.waiting(e)
		b.parts += 1 + len(e.more)
		b.add(e)
	}
	b.newest = b.position
	for slot := len(l.slots) - 1; slot >= 0; slot-- { // so that the first are used first
		switch l.slots[slot] {
		case free:
			b.free = append(b.free, uint32(slot))
		case hole:
			b.holes = append(b.holes, uint32(slot))
		}
	}
}

// groups cuts the pieces into records.
func groups(pieces []piece) (all [][]piece) {
	for start := 0; start < len(pieces); {
		end := start + 1
		for end < len(pieces) && pieces[end].kind == pieces[start].kind && pieces[end].position == pieces[start].position {
			end++
		}
		all = append(all, pieces[start:end:end])
		start = end
	}
	return all
}

func isWhole(g []piece) bool {
	for i, p := range g {
		if int(p.index) != i || int(p.count) != len(g) {
			return false
		}
	}
	return true
}

func slotsOf(g []piece) []uint32 {
	slots := make([]uint32, 0, len(g))
	for _, p := range g {
		slots = append(slots, p.slot)
	}
	return slots
}

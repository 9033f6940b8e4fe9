package spool

// A plan is one transaction: what goes into which slot, and what the book is to know once it is committed.
type plan struct {
	rows    []row
	empty   []uint32 // slots whose pages are wanted
	items   []*item
	entries []entry // of the items
	letter  bool    // the newest dead letter of the book is in it
	cursors []uint32
	turn    uint64
	acked   map[*shelf]int // what the file will know that it did not
}

// plan makes a transaction of a group. When there is no room it applies the policy, and the group becomes shorter. With grow it frees more
// than it seems to need: parts differ in size, and a large one does not fit into the page of a small one.
func (s *Spool) plan(group *[]*item, acks bool, grow int) (*plan, error) {
	left := s.pagesLeft()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &plan{acked: map[*shelf]int{}}
	records := s.records(*group)
	if err := s.makeRoom(group, records, left, grow); err != nil {
		return nil, err
	}
	for i, item := range *group {
		s.enter(p, item, records[i])
	}
	if acks {
		s.enterCursors(p)
	}
	p.empty = s.book.spare(grow)
	return p, nil
}

// records encodes a group, each with how far its sinks are.
func (s *Spool) records(group []*item) [][]byte {
	cursors := map[string]uint64{}
	records := make([][]byte, 0, len(group))
	for _, item := range group {
		for i := range item.record.sinks {
			m := &item.record.sinks[i]
			if _, known := cursors[m.sink]; !known {
				if shelf := s.book.shelf(m.sink); shelf != nil {
					cursors[m.sink] = s.book.cursor(shelf)
				}
			}
			m.cursor = cursors[m.sink]
		}
		records = append(records, item.record.encode())
	}
	return records
}

// makeRoom applies the policy where a group does not fit.
func (s *Spool) makeRoom(group *[]*item, records [][]byte, left, grow int) error {
	need := 2 // for the cursors
	for _, r := range records {
		need += partsOf(len(r))
	}
	s.dropFor(need+grow, left)
	left -= s.reserve()
	fits := len(*group)
	for ; fits > 0 && need > len(s.book.free)+left; fits-- {
		need -= partsOf(len(records[fits-1]))
	}
	rest := (*group)[fits:]
	if len(rest) == 0 {
		return nil
	}
	s.full = true
	if s.o.OnFull != Block {
		for _, item := range rest {
			s.refuse(item, ErrFull)
		}
		*group = (*group)[:fits]
		return nil
	}
	if fits == 0 {
		return errNoRoom
	}
	s.front.back(rest)
	*group = (*group)[:fits]
	return nil
}

// drops tells whether the policy is to drop the oldest.
func (s *Spool) drops() bool { return s.o.OnFull != Block && s.o.OnFull != DropNewest }

// dropFor drops the oldest, where that is the policy, so that there is room for so many parts.
func (s *Spool) dropFor(parts, left int) {
	if !s.drops() {
		return
	}
	if missing := parts - len(s.book.free) - left; missing > 0 {
		for _, position := range s.book.oldest(missing, never) {
			s.book.drop(position, func(sink string) { s.o.Meters.dropped(sink, reasonSize).Inc() })
			s.full = true
		}
	}
}

// enter plans one record.
func (s *Spool) enter(p *plan, item *item, text []byte) {
	b := s.book
	b.position++
	parts := split(kindResult, b.position, text)
	slots := b.allot(len(parts))
	e := entry{
		position: b.position, accepted: item.record.accepted.Sub(s.start), tail: b.tailOf(item.record.camera, item.record.watch),
		sequence: item.record.sequence, first: slots[0], more: slots[1:],
	}
	for _, m := range item.record.sinks {
		if shelf := b.shelf(m.sink); shelf != nil {
			e.waiting |= shelf.bit
			p.acked[shelf] = shelf.taken
		} else {
			s.o.Meters.dropped(m.sink, reasonSize).Inc() // there are 64 sinks already
		}
	}
	p.items, p.entries = append(p.items, item), append(p.entries, e)
	for i, text := range parts {
		p.rows = append(p.rows, row{slots[i], text})
	}
}

// enterCursors plans the record that says how far all sinks are.
func (s *Spool) enterCursors(p *plan) {
	p.turn = s.book.turn + 1
	parts := split(kindCursors, p.turn, s.book.cursorsRecord().encode())
	p.cursors = s.book.allot(len(parts))
	for i, text := range parts {
		p.rows = append(p.rows, row{p.cursors[i], text})
	}
	for _, shelf := range s.book.shelves {
		p.acked[shelf] = shelf.taken
	}
}

// pagesLeft tells how many parts the file may still grow by, about.
func (s *Spool) pagesLeft() int {
	all, free, err := s.store.pages()
	if err != nil {
		return 0 // the write will tell
	}
	return int(useful(s.room.limit(all) - all + free))
}

package spool

import "errors"

// carried is how many parts go into one transaction when a store is copied.
const carried = 256

// carry copies what waits from one store to another, empty one, and all that belongs to it, at the same positions. When it needs more than
// so many pages the oldest stay behind. What could not be read is looked for in the raw files.
func (s *Spool) carry(from, to *store, most int64) (losses, error) {
	c := &carrier{spool: s, from: from, to: to, book: newBook(), lost: losses{}}
	s.mu.Lock()
	c.entries = append([]entry(nil), s.book.entries...)
	c.letters = append([]letter(nil), s.book.letters...)
	c.position, c.turn = s.book.position, s.book.turn
	cursors, tails := s.book.cursorsRecord(), int64(len(s.book.streams))
	s.mu.Unlock()

	c.leaveBehind(useful(most) - tails - 2)
	for i := range c.entries {
		c.entry(&c.entries[i])
	}
	c.search()
	for _, l := range c.letters {
		if text, err := from.assemble(kindDead, l.number, l.slots); err == nil {
			c.lay(kindDead, l.number, text)
		}
	}
	c.rows = s.layTails(c.rows, c.book, c.position)
	c.lay(kindCursors, c.turn+1, cursors.encode())
	c.flush()
	return c.lost, c.err
}

// A carrier copies a store.
type carrier struct {
	spool    *Spool
	from, to *store
	entries  []entry
	letters  []letter
	position uint64 // the last one given
	turn     uint64

	book    *book // allots the slots
	rows    []row
	missing map[uint64]entry
	lost    losses
	err     error
}

func (c *carrier) lay(k kind, position uint64, text []byte) {
	if c.rows = c.book.lay(c.rows, k, position, text); len(c.rows) >= carried {
		c.flush()
	}
}

func (c *carrier) flush() {
	if c.err == nil {
		c.err = c.to.write(c.rows, nil)
	}
	if c.err == nil {
		_, c.err = c.to.checkpoint(walFrames)
	}
	c.rows = c.rows[:0]
}

// leaveBehind gives up the oldest when there is not room for all.
func (c *carrier) leaveBehind(most int64) {
	letters := len(c.letters)
	for left := most / letterShare; letters > 0; letters-- {
		if left -= int64(len(c.letters[letters-1].slots)); left < 0 {
			break
		}
	}
	c.letters = c.letters[letters:]
	for _, l := range c.letters {
		most -= int64(len(l.slots))
	}
	i := len(c.entries)
	for ; i > 0; i-- {
		if e := &c.entries[i-1]; e.waiting != 0 {
			if most -= int64(1 + len(e.more)); most < 0 {
				break
			}
		}
	}
	for _, e := range c.entries[:i] {
		c.lose(e, reasonSize)
	}
	c.entries = c.entries[i:]
}

func (c *carrier) lose(e entry, reason string) {
	for _, m := range c.spool.waitingFor(e.waiting) {
		c.lost[lossKey{m.sink, reason}]++
	}
}

func (c *carrier) entry(e *entry) {
	if e.waiting == 0 {
		return
	}
	text, err := c.from.assemble(kindResult, e.position, e.slots())
	if err != nil {
		if c.missing == nil {
			c.missing = map[uint64]entry{}
		}
		c.missing[e.position] = *e
		return
	}
	c.lay(kindResult, e.position, text)
}

// search looks for what is missing in the raw files, where the newest of it may still be in the log.
func (c *carrier) search() {
	if len(c.missing) == 0 {
		return
	}
	found := map[uint64]map[uint16][]byte{}
	note := func(p part, _ []byte) {
		e, wanted := c.missing[p.position]
		if !wanted || p.kind != kindResult || int(p.count) != len(e.slots()) {
			return
		}
		if found[p.position] == nil {
			found[p.position] = map[uint16][]byte{}
		}
		found[p.position][p.index] = append([]byte(nil), p.data...)
	}
	_ = errors.Join(scan(c.from.path, note), scan(c.from.path+"-wal", note)) // what they cannot give is lost
	for position, e := range c.missing {
		parts := found[position]
		if len(parts) < len(e.slots()) {
			c.lose(e, reasonCorrupt)
			continue
		}
		var text []byte
		for i := range uint16(len(parts)) {
			text = append(text, parts[i]...)
		}
		c.lay(kindResult, position, text)
	}
}

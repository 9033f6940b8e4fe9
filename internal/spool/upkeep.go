package spool

// upkeep does what is due after writes: moves the log into the database, and gives back space.
func (s *Spool) upkeep() {
	_, err := s.store.checkpoint(walFrames)
	if isFull(err) {
		s.room.filled(s.store, s.now())
		_, err = s.store.checkpoint(walFrames)
	}
	if err == nil {
		err = s.shrink()
	}
	if err != nil && !isFull(err) && !isBusy(err) {
		s.replace(err)
	}
	s.bytes.Store(s.store.size() + sizeOf(s.room.ballast()))
}

const (
	// shrinkAbove is the size of a file, in pages, that is worth giving back: 4 MiB.
	shrinkAbove = 4096
	// shrinkBelow is how much may be in use then, because that is copied: 2 MiB.
	shrinkBelow = 2048
)

// shrink gives the space of a backlog back once it is gone. The file keeps a few free slots for what comes next.
func (s *Spool) shrink() error {
	s.mu.Lock()
	b := s.book
	if b.end < shrinkAbove || b.parts > shrinkBelow || len(s.front.items) > 0 {
		s.mu.Unlock()
		return nil
	}
	empty := b.free
	b.free = nil
	s.mu.Unlock()
	for len(empty) > 0 { // in pieces, because the log should stay short
		n := min(len(empty), 8192)
		if err := s.store.write(nil, empty[:n]); err != nil {
			return err
		}
		if _, err := s.store.checkpoint(walFrames); err != nil {
			return err
		}
		empty = empty[n:]
	}
	if err := s.store.shrink(); err != nil {
		return err
	}
	return s.reload()
}

// reload makes a new book of the store, in which slots count anew.
func (s *Spool) reload() error {
	book, err := load(s.store, s.when)
	if err != nil {
		return err
	}
	s.install(s.store, book, 0)
	return nil
}

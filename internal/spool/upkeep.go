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
	// shrinkAbove is how many free slots are worth giving back: about 4 MiB.
	shrinkAbove = 4096
	// shrinkBelow is how many may be in use then, because they are copied: about half a MiB.
	shrinkBelow = 512
	// shrinkTo is how many free slots stay: a new page costs three times as much as one that is there.
	shrinkTo = 1024
)

// shrink gives the space of a backlog back once it is gone.
func (s *Spool) shrink() error {
	s.mu.Lock()
	b := s.book
	if len(b.free) < shrinkAbove || b.parts > shrinkBelow || len(s.front.items) > 0 {
		s.mu.Unlock()
		return nil
	}
	empty := b.spare(len(b.free) - shrinkTo)
	s.mu.Unlock()
	if err := s.vacate(empty); err != nil {
		return err
	}
	if err := s.store.shrink(); err != nil {
		return err
	}
	return s.reload()
}

// vacate takes their pages from slots: in pieces, because the log should stay short.
func (s *Spool) vacate(slots []uint32) (err error) {
	for len(slots) > 0 && err == nil {
		n := min(len(slots), 8192)
		if err = s.store.write(nil, slots[:n]); err != nil {
			break
		}
		s.mu.Lock()
		s.book.holes = append(s.book.holes, slots[:n]...)
		s.mu.Unlock()
		slots = slots[n:]
		_, err = s.store.checkpoint(walFrames)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book.free = append(s.book.free, slots...)
	return err
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

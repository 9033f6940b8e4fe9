package spool

import (
	"time"
)

// soil notes that there is something to sync.
func (s *Spool) soil() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// syncOften syncs what was written: the first result after a rest at once, then no more often than Options.Sync says. Writing goes on
// meanwhile, and so it does while the disk hangs.
func (s *Spool) syncOften() {
	for {
		select {
		case <-s.dirty:
		case <-s.stop:
			return
		}
		s.io.Lock()
		store := s.store
		s.io.Unlock()
		if err := s.sync(store); err != nil {
			s.io.Lock()
			if s.store == store { // else it was replaced meanwhile
				s.replace(err)
			}
			s.io.Unlock()
		}
		pause := time.NewTimer(s.o.Sync)
		select {
		case <-pause.C:
		case <-s.stop:
			pause.Stop()
			return
		}
	}
}

func (s *Spool) sync(store *store) error {
	started := time.Now()
	err := store.sync(s.o.system.fdatasync)
	s.o.Meters.sync.Observe(time.Since(started).Seconds())
	return err
}

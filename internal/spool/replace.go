package spool

import (
	"errors"

	"go.uber.org/zap"
)

// replace goes on with a new file, because the one in use cannot be trusted any more: a write or a sync failed, or what must be in it is not.
// What waits is taken along as far as it can be read; the rest is counted. When there can be no new file either, it goes on in memory.
func (s *Spool) replace(cause error) {
	if s.over {
		return
	}
	s.o.Log.Error("the spool's file cannot be trusted any more", zap.Error(cause))
	old, usable := s.store, true
	if old.path != "" {
		var err error
		if usable, err = s.replaceFile(old, cause); err == nil {
			return
		}
		cause = errors.Join(cause, err)
	}
	s.replaceByMemory(old, usable, cause)
}

// replaceFile makes a new file and takes everything along. When it fails, usable tells whether the old one can still be read.
func (s *Spool) replaceFile(old *store, cause error) (usable bool, err error) {
	name := s.path() + newSuffix
	if err := removeDatabase(name); err != nil {
		return true, err
	}
	fresh, err := openStore(name)
	if err != nil {
		return true, err
	}
	lost, err := s.carry(old, fresh, unlimited)
	if err = errors.Join(err, fresh.close()); err != nil {
		_ = removeDatabase(name)
		return true, err
	}
	_ = old.close() // if that syncs now, it proves nothing
	if err := s.promote(cause); err != nil {
		return false, err
	}
	st, book, err := s.read()
	if err != nil {
		return false, err
	}
	s.install(st, book, 0)
	s.room.apply(st)
	lost.count(s.o.Meters)
	return true, nil
}

// replaceByMemory goes into exile with all that fits into memory, the newest first.
func (s *Spool) replaceByMemory(old *store, usable bool, cause error) {
	memory := s.openMemory()
	var lost losses
	var err error
	if usable {
		lost, err = s.carry(old, memory, s.room.memoryPages())
		_ = old.close()
	} else {
		err = errors.Join(fill(memory, s.path()+readySuffix, s.path()+newSuffix, s.path()), s.purge(memory))
	}
	book, loadErr := load(memory, s.when)
	if err = errors.Join(err, loadErr); err != nil {
		s.o.Log.Error("not everything could be taken along into memory", zap.Error(err))
	}
	sick := isDamage(cause) || s.exile.sick || len(lost) > 0 // what was left behind is there for a person to look at
	s.banish(cause)
	s.exile.taken, s.exile.sick = true, sick
	s.install(memory, book, 0)
	lost.count(s.o.Meters)
	s.show(nil)
}

// A lossKey says who lost what why.
type lossKey struct{ sink, reason string }

type losses map[lossKey]int

func (l losses) count(m *Meters) {
	for key, n := range l {
		m.dropped(key.sink, key.reason).Add(float64(n))
	}
}

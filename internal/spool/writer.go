package spool

import (
	"errors"
	"time"
)

const (
	// acksAfter and acksMost are how long and how many things that sinks have taken may be unknown to the file. Each record that is written
	// says how far its sinks are, so this matters only when nothing new comes. After a kill they are delivered again.
	acksAfter = 5 * time.Second
	acksMost  = 256
	// again is how long to wait when the disk is full or busy.
	again = time.Second
	// never stands for a deadline that does not exist.
	never = 365 * 24 * time.Hour
)

// errNoRoom says that the policy is to wait.
var errNoRoom = errors.New("the spool is full: results wait")

// write is the writer. It sleeps while there is nothing to do, so that an idle agent never wakes the disk.
func (s *Spool) write() {
	timer := time.NewTimer(s.deadline())
	defer timer.Stop()
	for last := false; !last; {
		select {
		case <-s.kick:
		case <-timer.C:
		case <-s.stop:
			last = true
		}
		err := s.round(last)
		for err == nil && s.waiting() > 0 {
			err = s.round(last)
		}
		pause := s.deadline()
		if err != nil {
			pause = max(pause, again)
		}
		timer.Reset(pause)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.front.items) > 0 {
		s.refuse(s.front.pop(), ErrClosed)
	}
}

func (s *Spool) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.front.items)
}

// deadline tells in how long the writer has something to do if nothing happens.
func (s *Spool) deadline() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := never
	for _, shelf := range s.book.shelves {
		if shelf.taken > 0 {
			at = min(at, s.acksDue)
		}
	}
	if s.o.MaxAge > 0 {
		for i := range s.book.entries {
			if e := &s.book.entries[i]; s.book.mayGo(e) {
				at = min(at, e.accepted+s.o.MaxAge)
				break
			}
		}
	}
	if len(s.front.items) > 0 {
		at = min(at, s.now()+again)
	}
	if s.comeBack > 0 {
		at = min(at, s.comeBack)
	}
	return max(at-s.now(), 0)
}

// round writes one group, and what else is due. An error says that it is better to wait a little.
func (s *Spool) round(last bool) error {
	s.io.Lock()
	defer s.io.Unlock()
	s.returnFromExile(last)
	s.mu.Lock()
	s.expire()
	group := s.front.group()
	acks := s.acksWanted(last)
	s.mu.Unlock()
	if len(group) == 0 && !acks {
		return nil
	}
	if s.room.look(s.store, s.now()) && s.store.gone() {
		s.replace(errGone)
	}
	err := s.commit(group, acks)
	s.upkeep()
	s.show(err)
	return err
}

// acksWanted tells whether the file has to be told what sinks have taken although there may be nothing else to write.
func (s *Spool) acksWanted(last bool) bool {
	taken := 0
	for _, shelf := range s.book.shelves {
		taken += shelf.taken
	}
	return taken >= acksMost || taken > 0 && (last || s.now() >= s.acksDue)
}

// expire drops what is too old. The lock is held.
func (s *Spool) expire() {
	if s.o.MaxAge <= 0 {
		return
	}
	for _, position := range s.book.oldest(1<<30, s.now()-s.o.MaxAge) {
		s.book.drop(position, func(sink string) {
			s.o.Meters.dropped(sink, reasonAge).Inc()
			s.expectAcks()
			s.book.byName[sink].taken++ // for the file to know as well
		})
	}
}

// commit writes a group as one transaction, and what sinks have taken. What cannot be written now goes back to the front.
func (s *Spool) commit(group []*item, acks bool) (err error) {
	for grow := 0; grow < 2000 && !isBusy(err); grow = 4*grow + 16 {
		var p *plan
		if p, err = s.plan(&group, acks, grow); err != nil {
			break
		}
		if err = s.try(p); err == nil {
			return nil
		}
		if isFull(err) && grow > 0 { // the ballast did not help
			s.flee(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveUp(group)
	return err
}

// try writes a plan and makes it known. An error has been dealt with as far as possible: another plan may do better.
func (s *Spool) try(p *plan) error {
	started := time.Now()
	err := s.store.write(p.rows, p.empty)
	written := err == nil
	if written && s.o.Sync == SyncAlways {
		err = s.sync(s.store)
	}
	if err == nil {
		s.o.Meters.commit.Observe(time.Since(started).Seconds())
		s.publish(p)
		return nil
	}
	s.abandon(p)
	switch {
	case isFull(err) && !written:
		if s.room.filled(s.store, s.now()) {
			s.replaceByMemory(s.store, true, err)
		}
	case !isBusy(err): // a sync that failed above all: to ask again would prove nothing
		s.replace(err)
	}
	return err
}

// giveUp decides what becomes of a group that cannot be written now: it waits, in front of what comes after it. The lock is held.
func (s *Spool) giveUp(group []*item) {
	s.front.back(group)
	for s.front.full() && s.o.OnFull != Block {
		if s.o.OnFull == DropNewest {
			last := s.front.items[len(s.front.items)-1]
			s.front.items, s.front.bytes = s.front.items[:len(s.front.items)-1], s.front.bytes-last.size()
			s.refuse(last, ErrFull)
		} else {
			s.refuse(s.front.pop(), ErrFull)
		}
	}
}

// publish enters what was committed into the book and wakes those who wait for it.
func (s *Spool) publish(p *plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var woken uint64
	for i, e := range p.entries {
		s.book.add(e)
		woken |= e.waiting
		s.o.Meters.accepted.Inc()
		s.o.Meters.written.Add(float64(p.items[i].size()))
		p.items[i].receipt.settle(nil)
	}
	if p.cursors != nil {
		s.book.keepCursors(p.turn, p.cursors)
	}
	s.book.holes = append(s.book.holes, p.empty...)
	for shelf, taken := range p.acked {
		shelf.taken -= taken
	}
	for _, shelf := range s.book.shelves {
		if q := s.queues[shelf.name]; q != nil && woken&shelf.bit != 0 {
			q.wake()
		}
	}
	if len(p.entries) > 0 {
		s.front.wake()
		s.soil()
	}
}

// abandon takes back what a plan took from the book.
func (s *Spool) abandon(p *plan) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range p.entries {
		s.book.release(p.entries[i].slots())
	}
	s.book.release(p.cursors)
	s.book.free = append(p.empty, s.book.free...)
	if p.letter {
		s.book.dropLetter(len(s.book.letters) - 1)
	}
}

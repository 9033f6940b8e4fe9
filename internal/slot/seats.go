package slot

import "time"

// What changes seats and those who wait for one. The lock of the pool is held throughout.

// join returns the seat that the camera has, or lets it wait for one.
func (p *Pool) join(w *waiter, now time.Time) *Slot {
	if s := p.seats[w.Camera]; s != nil {
		s.priority, s.dark, s.fresh = w.Priority, time.Time{}, false
		return p.hand(s)
	}
	w.since = now
	if place, kept := p.places[w.Camera]; kept {
		w.since = place
		delete(p.places, w.Camera)
	}
	if earlier := p.waiting[w.Camera]; earlier != nil {
		w.since = earlier.since
		close(earlier.slot)
	}
	p.waiting[w.Camera] = w
	return nil
}

// quit lets a camera wait no longer. If it was served just as its context ended, it gives the seat back.
func (p *Pool) quit(w *waiter, now time.Time) {
	if p.waiting[w.Camera] == w {
		delete(p.waiting, w.Camera)
		p.metrics.rank.WithLabelValues(w.Camera).Set(0)
		return
	}
	select {
	case s, ok := <-w.slot:
		if ok {
			p.release(s, 0, now)
		}
	default:
	}
}

// sit takes a seat of the key for a camera.
func (p *Pool) sit(a *account, camera string, priority int, now time.Time) *seat {
	s := &seat{camera: camera, priority: priority, account: a, since: now, recalled: make(chan struct{})}
	p.seats[camera] = s
	a.taken++
	return s
}

// hand gives a seat to whoever acquires it; whoever had it before has it no longer.
func (p *Pool) hand(s *seat) *Slot {
	s.holder = &Slot{pool: p, seat: s, key: s.account.Key}
	p.metrics.rank.WithLabelValues(s.camera).Set(0)
	return s.holder
}

// serve ends the waiting of a camera with a seat of the key. On a key in trouble that is a probe when it goes beyond the offer.
func (p *Pool) serve(w *waiter, o offer, now time.Time) {
	a := p.account(o.key)
	probes := o.closed || a.taken >= o.slots
	s := p.sit(a, w.Camera, w.Priority, now)
	s.fresh, s.waited = true, w.since
	if probes {
		a.health.probing = s
	}
	delete(p.waiting, w.Camera)
	w.slot <- p.hand(s)
}

// release gives up the seat of a slot, now or, with a block in its place, after d.
func (p *Pool) release(s *Slot, d time.Duration, now time.Time) {
	if s.seat.holder != s {
		return
	}
	if d > 0 {
		s.seat.account.blocks[&block{until: now.Add(d)}] = struct{}{}
	}
	p.leave(s.seat, now)
}

// leave empties a seat. A camera that got nothing from it, because its key was refused, keeps its place among those who wait.
func (p *Pool) leave(s *seat, now time.Time) {
	h := &s.account.health
	if s.fresh && !h.lastRefused.Before(s.since) && h.lastAccepted.Before(s.since) {
		p.places[s.camera] = s.waited
	}
	h.left(s, now)
	s.holder = nil
	s.account.taken--
	delete(p.seats, s.camera)
}

// isDark tells whether a slot is known to be dark or not; for one without effect it is as asked.
func (p *Pool) isDark(s *Slot, asked bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return s.seat.holder != s || s.seat.dark.IsZero() != asked
}

func (p *Pool) darken(s *Slot, dark bool, now time.Time) {
	if s.seat.holder != s {
		return
	}
	s.seat.dark = time.Time{}
	if dark {
		s.seat.dark = now
	}
}

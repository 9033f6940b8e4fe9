package slot

import (
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"
)

// replan carries out the difference between what is and what should be, and returns when to do so again, zero if time changes nothing.
// The lock is held.
func (p *Pool) replan(now time.Time) time.Time {
	offers := p.offers(now)
	out := plan(p.candidates(), offers, p.dwell, now)
	for _, camera := range slices.Sorted(maps.Keys(out.recalls)) {
		p.recall(p.seats[camera], out.recalls[camera])
	}
	for _, camera := range slices.Sorted(maps.Keys(out.streams)) {
		if w := p.waiting[camera]; w != nil {
			at := slices.IndexFunc(offers, func(o offer) bool { return o.key == out.streams[camera] })
			p.serve(w, offers[at], now)
		}
	}
	p.show(now)
	next := out.next
	for _, a := range p.accounts {
		next = earliest(next, a.next(now))
	}
	p.rank(out.waiting) // last, as it calls strangers
	return next
}

// candidates are the cameras to plan for.
func (p *Pool) candidates() []candidate {
	var all []candidate
	for _, s := range p.seats {
		if s.reason == nil {
			all = append(all, candidate{camera: s.camera, priority: s.priority, key: s.account.Name, since: s.since, dark: s.dark})
		}
	}
	for _, w := range p.waiting {
		all = append(all, candidate{camera: w.Camera, priority: w.Priority, since: w.since})
	}
	return all
}

// offers are those of all keys. Blocks that are over and removed keys of which nothing is left are forgotten on the way.
func (p *Pool) offers(now time.Time) []offer {
	p.accounts = slices.DeleteFunc(p.accounts, func(a *account) bool {
		a.expire(now)
		if a.idle() {
			p.metrics.forgetKey(a.Name)
		}
		return a.idle()
	})
	var all []offer
	for _, a := range p.accounts {
		all = append(all, a.offer(p.leaving(a), now))
	}
	return all
}

// leaving is how many seats of a key are those of recalled cameras.
func (p *Pool) leaving(a *account) int {
	n := 0
	for _, s := range p.seats {
		if s.account == a && s.reason != nil {
			n++
		}
	}
	return n
}

func (p *Pool) account(key string) *account {
	for _, a := range p.accounts {
		if a.Name == key {
			return a
		}
	}
	return nil
}

// recall tells a camera to leave.
func (p *Pool) recall(s *seat, cause Cause) {
	s.reason = cause
	close(s.recalled)
	p.metrics.recalls.WithLabelValues(string(cause)).Inc()
	p.tell(func() {
		p.log.Info("slot recalled", zap.String("camera", s.camera), zap.String("key", s.account.Name), zap.String("cause", string(cause)))
	})
}

// rank tells those who wait their place, where it changed.
func (p *Pool) rank(waiting []string) {
	p.metrics.waiting.Set(float64(len(waiting)))
	for i, camera := range waiting {
		w := p.waiting[camera]
		if w.rank == i+1 && w.of == len(waiting) {
			continue
		}
		w.rank, w.of = i+1, len(waiting)
		p.metrics.rank.WithLabelValues(camera).Set(float64(w.rank))
		if w.Waiting != nil {
			w.Waiting(w.rank, w.of)
		}
	}
}

// show puts the keys into the metrics.
func (p *Pool) show(now time.Time) {
	for _, a := range p.accounts {
		slots := a.Slots
		if a.removed {
			slots = 0
		}
		p.metrics.slots.WithLabelValues(a.Name).Set(float64(slots))
		p.metrics.used.WithLabelValues(a.Name).Set(float64(a.taken))
		p.metrics.blocked.WithLabelValues(a.Name).Set(float64(len(a.blocks)))
		p.metrics.offered.WithLabelValues(a.Name).Set(float64(a.offered(p.leaving(a), now)))
	}
}

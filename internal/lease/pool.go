package lease

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A Key is one API key with what it may hold.
type Key struct {
	Name   string
	Slots  int // streams at once
	Client *overshoot.Client
}

// A Pool gives out the slots of the keys, one for each stream. When all are taken, cameras wait: higher priority first, then first come.
type Pool struct {
	metrics *PoolMetrics

	mu      sync.Mutex
	keys    []Key
	used    []int // per key
	waiting []*waiter
}

type waiter struct {
	priority int
	slot     chan *Slot
	rank     func(rank, of int)
}

// A Slot is the right to have one stream on one key.
type Slot struct {
	Key  Key
	pool *Pool
	key  int
	once sync.Once
}

// NewPool returns a pool with all slots free.
func NewPool(keys []Key, metrics *PoolMetrics) *Pool {
	p := &Pool{keys: keys, used: make([]int, len(keys)), metrics: metrics}
	p.show()
	return p
}

// Acquire blocks until a slot is free or ctx ends. While it waits it tells rank its place among those who wait, at each change; rank must
// not block nor call the pool.
func (p *Pool) Acquire(ctx context.Context, priority int, rank func(rank, of int)) (*Slot, error) {
	w := &waiter{priority: priority, slot: make(chan *Slot, 1), rank: rank}
	p.mu.Lock()
	at := len(p.waiting)
	for at > 0 && p.waiting[at-1].priority < priority {
		at--
	}
	p.waiting = slices.Insert(p.waiting, at, w)
	p.serve()
	p.mu.Unlock()

	select {
	case s := <-w.slot:
		return s, nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.waiting, w); at >= 0 {
		p.waiting = slices.Delete(p.waiting, at, at+1)
		p.serve()
	} else {
		(<-w.slot).give() // it was served just as its context ended
	}
	return nil, ctx.Err()
}

// serve hands free slots to those who wait and tells the rest their rank. The lock is held.
func (p *Pool) serve() {
	for len(p.waiting) > 0 {
		key := p.freest()
		if key < 0 {
			break
		}
		p.used[key]++
		p.waiting[0].slot <- &Slot{Key: p.keys[key], pool: p, key: key}
		p.waiting = p.waiting[1:]
	}
	for i, w := range p.waiting {
		w.rank(i+1, len(p.waiting))
	}
	p.show()
}

// freest returns the key with the most free slots, so that keys are used evenly, or -1.
func (p *Pool) freest() int {
	best, most := -1, 0
	for i, k := range p.keys {
		if free := k.Slots - p.used[i]; free > most {
			best, most = i, free
		}
	}
	return best
}

// Release gives the slot back. Releasing it again does nothing.
func (s *Slot) Release() {
	s.once.Do(func() {
		s.pool.mu.Lock()
		defer s.pool.mu.Unlock()
		s.give()
	})
}

// ReleaseAfter gives the slot back when d has passed: until then a stream that we do not know of may be in it.
func (s *Slot) ReleaseAfter(d time.Duration) { time.AfterFunc(d, s.Release) }

func (s *Slot) give() {
	s.pool.used[s.key]--
	s.pool.serve()
}

func (p *Pool) show() {
	for i, k := range p.keys {
		p.metrics.slots.WithLabelValues(k.Name).Set(float64(k.Slots))
		p.metrics.used.WithLabelValues(k.Name).Set(float64(p.used[i]))
	}
	p.metrics.waiting.Set(float64(len(p.waiting)))
}

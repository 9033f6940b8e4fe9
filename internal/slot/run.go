package slot

import (
	"context"
	"time"
)

// Run does what time alone makes necessary: turns end, blocks and pauses are over, a key has got another text. It returns nil when ctx
// ends. Without it the pool works, but only when somebody calls it.
func (p *Pool) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-p.wake:
		case <-timer.C:
		}
		p.look()
		timer.Stop()
		if next := p.settle(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// settle plans and returns when Run has to do it again, zero if not before it is woken.
func (p *Pool) settle() time.Time {
	defer p.deliver()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wakes = p.replan(time.Now())
	return p.wakes
}

// change does something to the pool and carries out what follows from it.
func (p *Pool) change(do func(now time.Time)) {
	defer p.deliver()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	do(now)
	next := p.replan(now)
	if next.IsZero() || (!p.wakes.IsZero() && !next.Before(p.wakes)) {
		return
	}
	select {
	case p.wake <- struct{}{}:
	default: // it knows
	}
}

// look finds out whether keys in trouble have got another text. It reads files, so the lock is not held meanwhile.
func (p *Pool) look() {
	for name, fingerprint := range p.toLookAt() {
		if fingerprint == nil {
			continue
		}
		text := fingerprint()
		p.mu.Lock()
		if a := p.account(name); a != nil {
			a.health.renewed(text, time.Now())
		}
		p.mu.Unlock()
	}
}

// toLookAt returns how to get the fingerprints of the keys whose time has come, and sets the next time.
func (p *Pool) toLookAt() map[string]func() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	now, which := time.Now(), map[string]func() string{}
	for _, a := range p.accounts {
		if !a.health.well() && !a.health.look.After(now) {
			which[a.Name] = a.Fingerprint
			a.health.look = now.Add(look)
		}
	}
	return which
}

// tell keeps something to be said for when the lock, which is held, is free.
func (p *Pool) tell(what func()) { p.news = append(p.news, what) }

// deliver says what there is to be said, in order. The lock is not held: logs and board may be slow.
func (p *Pool) deliver() {
	p.telling.Lock()
	defer p.telling.Unlock()
	for {
		p.mu.Lock()
		news := p.news
		p.news = nil
		p.mu.Unlock()
		if len(news) == 0 {
			return
		}
		for _, say := range news {
			say()
		}
	}
}

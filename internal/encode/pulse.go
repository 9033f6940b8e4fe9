package encode

import (
	"sync"
	"time"
)

// minOwed is how many pictures an encoder may owe for ever: a decoder that puts pictures into order holds some back.
const minOwed = 3

// pulse tells whether an encoder lives: pictures that go in must come out.
type pulse struct {
	mu     sync.Mutex
	owed   int       // pictures that went in since the last came out
	since  time.Time // when the first of those went in
	urgent bool      // it is busy with a picture: it has no reason to wait for more
	closed time.Time // when its input ended
	first  time.Time // when its first picture came out
	latest time.Time // when its newest did
}

// taken notes that a picture goes in, and that the encoder is busy with it.
func (p *pulse) taken() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.owed++; p.owed == 1 {
		p.since = time.Now()
	}
	p.urgent = true
}

// asked notes that the encoder wants another picture.
func (p *pulse) asked() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.urgent = false
}

// ending notes that nothing more will go in.
func (p *pulse) ending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = time.Now()
}

// came notes that a picture came out, and tells whether it is the first.
func (p *pulse) came() (first bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.owed = 0
	p.latest = time.Now()
	if first = p.first.IsZero(); first {
		p.first = p.latest
	}
	return first
}

// silence is for how long it gave nothing although it could.
func (p *pulse) silence() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed.IsZero() { // it owes the rest, and its end
		return min(time.Since(p.closed), time.Since(p.latest))
	}
	if p.owed >= minOwed || p.owed > 0 && p.urgent {
		return time.Since(p.since)
	}
	return 0
}

// lived is for how long pictures came out.
func (p *pulse) lived() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.latest.Sub(p.first)
}

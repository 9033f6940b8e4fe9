package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// tail is the end of a payload. It tells packets apart, and stays what it is when a payload is cut: then it is the end of the last part.
const tailBytes = 16

type tail [tailBytes]byte

func tailOf(payload []byte) (t tail, ok bool) {
	if len(payload) < tailBytes+2 { // of a fragment, two bytes are no content
		return t, false
	}
	copy(t[:], payload[len(payload)-tailBytes:])
	return t, true
}

// A passage measures the time from a camera's send to the far end, in one process with one clock. Cameras play the same clip far apart in
// time, so whoever sent a packet last is who sent it.
type passage struct {
	epoch   time.Time
	numbers map[tail]int
	sent    []atomic.Int64 // nanoseconds after epoch, by number in the clip

	measuring atomic.Bool
	pictures  atomic.Uint64 // that arrived, complete or not

	mu      sync.Mutex
	took    durations
	packets int // that arrived, known or not
}

func newPassage(c *clip) *passage {
	p := &passage{epoch: time.Now(), numbers: map[tail]int{}, sent: make([]atomic.Int64, c.packets)}
	ambiguous := map[tail]bool{}
	for _, picture := range c.pictures {
		for _, one := range picture {
			t, ok := tailOf(one.Payload)
			if _, known := p.numbers[t]; known {
				ambiguous[t] = true
			}
			if ok {
				p.numbers[t] = one.number
			}
		}
	}
	for t := range ambiguous { // parameter sets, above all
		delete(p.numbers, t)
	}
	return p
}

func (p *passage) send(number int) { p.sent[number].Store(int64(time.Since(p.epoch))) }

// arrive notes a payload that came at the far end.
func (p *passage) arrive(payload []byte, marker bool) {
	now := time.Since(p.epoch)
	if marker {
		p.pictures.Add(1)
	}
	if !p.measuring.Load() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.packets++
	t, ok := tailOf(payload)
	number, known := p.numbers[t]
	if ok && known {
		p.took = append(p.took, now-time.Duration(p.sent[number].Load()))
	}
}

// result returns what was measured.
func (p *passage) result() durations {
	p.measuring.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.took
}

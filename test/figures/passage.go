package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// tail is the end of a NAL unit. It tells packets apart, and is in the last of them however the unit was cut.
type tail [8]byte

// tailOf returns the tail in a payload that ends a unit.
func tailOf(payload []byte) (t tail, ok bool) {
	const fuA, end = 28, 0x40 // RFC 6184, 5.8
	if len(payload) < len(t)+2 || payload[0]&0x1f == fuA && payload[1]&end == 0 {
		return t, false
	}
	copy(t[:], payload[len(payload)-len(t):])
	return t, true
}

// A passage measures the time from a camera's send to the far end, in one process with one clock, of the packets that end a NAL unit: of
// most pictures the last. Cameras play the same clip far apart in time, so whoever sent a packet last is who sent it.
type passage struct {
	epoch   time.Time
	numbers map[tail]int
	sent    []atomic.Int64 // nanoseconds after epoch, by number in the clip; 0: arrived, or not to be told apart
	unique  []bool         // by number in the clip

	pictures  atomic.Uint64 // that arrived, complete or not
	measuring atomic.Bool
	marked    atomic.Int64 // packets that were sent meanwhile, of those that can be told apart

	mu   sync.Mutex
	took durations
}

func newPassage(c *clip) *passage {
	p := &passage{epoch: time.Now(), numbers: map[tail]int{}, sent: make([]atomic.Int64, c.packets), unique: make([]bool, c.packets)}
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
	for _, number := range p.numbers {
		p.unique[number] = true
	}
	return p
}

func (p *passage) send(number int) {
	if !p.unique[number] {
		return
	}
	if p.measuring.Load() {
		p.marked.Add(1)
	}
	p.sent[number].Store(int64(time.Since(p.epoch)))
}

// arrive notes a payload that came to the far end.
func (p *passage) arrive(payload []byte, marker bool) {
	now := time.Since(p.epoch)
	if marker {
		p.pictures.Add(1)
	}
	if !p.measuring.Load() {
		return
	}
	t, ok := tailOf(payload)
	number, known := p.numbers[t]
	if !ok || !known {
		return
	}
	sent := time.Duration(p.sent[number].Swap(0))
	if sent == 0 {
		return // once more: livekit-server sends old packets again to find out how much a viewer can take
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.took = append(p.took, now-sent)
}

// result returns what was measured, and the share of the packets that arrived.
func (p *passage) result() (spread, float64) {
	p.measuring.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.took.spread(), float64(len(p.took)) / float64(max(1, p.marked.Load()))
}

// Package wake notices that the machine slept, or that the process stood still for other reasons: while it did, leases ran on at the
// service, and connections may have died without a word.
package wake

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

const (
	beat = time.Second     // how often the bell looks at the clock
	gap  = 5 * time.Second // more than this between two beats, above the beat itself, is no mere load
)

// A Bell rings after each sleep. Make one with NewBell; its methods may be called from any goroutine.
type Bell struct {
	uptime func() time.Duration
	log    *zap.Logger
	rung   prometheus.Counter

	mu   sync.Mutex
	next chan struct{} // closed when it rings
}

// NewBell returns a bell that goes by clock, and registers its metric.
func NewBell(clock Clock, log *zap.Logger, reg prometheus.Registerer) *Bell {
	b := &Bell{uptime: clock.Uptime, log: log, next: make(chan struct{}), rung: prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "overshoot_agent", Name: "wakeups_total", Help: "Times the machine slept or the process stood still for more than 5 s.",
	})}
	reg.MustRegister(b.rung)
	return b
}

// Run looks at the clock until ctx ends, which returns nil.
func (b *Bell) Run(ctx context.Context) error {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for last := b.uptime(); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := b.uptime()
		if slept := now - last - beat; slept > gap {
			b.ring(slept)
		}
		last = now
	}
}

func (b *Bell) ring(slept time.Duration) {
	b.log.Warn("the machine slept or the process stood still", zap.Duration("for", slept.Round(time.Second)))
	b.rung.Inc()
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

// Woken returns a channel that is closed when the bell rings the next time. Who wants to miss none asks for the next channel as soon as
// one is closed, before doing anything about it.
func (b *Bell) Woken() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

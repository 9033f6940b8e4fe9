package sink_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// queue is a queue without a disk, for tests in which time is not real. It remembers what was put aside.
type queue struct {
	mu      sync.Mutex
	waiting []result.Result
	arrived chan struct{}
	dead    []string
}

func newQueue() *queue { return &queue{arrived: make(chan struct{}, 1)} }

func (q *queue) Add(all ...result.Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, all...)
	select {
	case q.arrived <- struct{}{}:
	default:
	}
}

func (q *queue) Next(ctx context.Context, max int) ([]result.Result, error) {
	for q.Len() == 0 {
		select {
		case <-q.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return append([]result.Result(nil), q.waiting[:min(max, len(q.waiting))]...), ctx.Err()
}

func (q *queue) Done(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = q.waiting[n:]
}

func (q *queue) Dead(reason string, attempts int) {
	q.mu.Lock()
	q.dead = append(q.dead, fmt.Sprintf("%s: %s (%d)", q.waiting[0].ID, reason, attempts))
	q.mu.Unlock()
	q.Done(1)
}

func (q *queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (q *queue) Oldest() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.waiting) == 0 {
		return 0
	}
	return time.Since(q.waiting[0].Time)
}

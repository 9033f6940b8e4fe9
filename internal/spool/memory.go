// Package spool keeps results between the moment they are accepted and the moment a sink has them.
//
// This first form keeps them in memory, within a bound; it loses what waits when the process is killed. Its methods are those that a
// spool on disk needs as well.
package spool

import (
	"context"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/prometheus/client_golang/prometheus"
)

// A Memory is the queue of one sink. Add may be called from any goroutine, Next and Done from one.
type Memory struct {
	limit   int
	metrics *Metrics

	mu      sync.Mutex
	waiting []result.Result
	taken   int           // of the oldest, how many Next has lent out: they are not dropped
	arrived chan struct{} // holds a token when something may have come
}

// NewMemory returns an empty queue of at most limit results, but two at least: one may be lent out while another comes. When it is
// full the oldest are dropped, and counted.
func NewMemory(limit int, metrics *Metrics) *Memory {
	return &Memory{limit: max(limit, 2), metrics: metrics, arrived: make(chan struct{}, 1)}
}

// Add puts a result at the end. It does not block.
func (m *Memory) Add(r result.Result) {
	m.mu.Lock()
	if len(m.waiting) >= m.limit {
		m.waiting = append(m.waiting[:m.taken], m.waiting[m.taken+1:]...)
		m.metrics.dropped.Inc()
	}
	m.waiting = append(m.waiting, r)
	m.metrics.records.Set(float64(len(m.waiting)))
	m.mu.Unlock()
	select {
	case m.arrived <- struct{}{}:
	default:
	}
}

// Next implements sink.Queue.
func (m *Memory) Next(ctx context.Context, max int) ([]result.Result, error) {
	for {
		m.mu.Lock()
		if n := min(len(m.waiting), max); n > 0 {
			m.taken = min(n, m.limit-1)
			batch := append([]result.Result(nil), m.waiting[:m.taken]...)
			m.mu.Unlock()
			return batch, nil
		}
		m.mu.Unlock()
		select {
		case <-m.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Done implements sink.Queue.
func (m *Memory) Done(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = append([]result.Result(nil), m.waiting[n:]...)
	m.taken = 0
	m.metrics.records.Set(float64(len(m.waiting)))
}

// Dead implements sink.Queue: what is put aside is counted, and gone.
func (m *Memory) Dead(string, int) {
	m.metrics.dead().Inc()
	m.Done(1)
}

// Oldest implements sink.Queue.
func (m *Memory) Oldest() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.waiting) == 0 {
		return 0
	}
	return max(time.Since(m.waiting[0].Time), 0)
}

// Len implements sink.Queue.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.waiting)
}

// Vectors are the metrics of all queues.
type Vectors struct {
	records *prometheus.GaugeVec
	dropped *prometheus.CounterVec
}

// Metrics are those of one queue.
type Metrics struct {
	records prometheus.Gauge
	dropped prometheus.Counter
	dead    func() prometheus.Counter
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	v := &Vectors{
		records: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "overshoot_agent", Subsystem: "spool", Name: "records", Help: "Results that wait for a sink.",
		}, []string{"sink"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "overshoot_agent", Subsystem: "spool", Name: "dropped_total", Help: "Results dropped before the sink took them, by reason.",
		}, []string{"sink", "reason"}),
	}
	reg.MustRegister(v.records, v.dropped)
	return v
}

// Sink makes the series of one queue, at zero.
func (v *Vectors) Sink(name string) *Metrics {
	return &Metrics{v.records.WithLabelValues(name), v.dropped.WithLabelValues(name, reasonSize), func() prometheus.Counter {
		return v.dropped.WithLabelValues(name, reasonDead)
	}}
}

// Forget removes the series of a queue whose sink is no longer configured.
func (v *Vectors) Forget(name string) {
	v.records.DeleteLabelValues(name)
	v.dropped.DeletePartialMatch(prometheus.Labels{"sink": name})
}

package spool

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// The reasons why a result did not get to a sink.
const (
	reasonSize    = "size"
	reasonAge     = "age"
	reasonCorrupt = "corrupt"
	reasonDead    = "deadletter"
)

var reasons = []string{reasonSize, reasonAge, reasonCorrupt, reasonDead}

// Meters are the metrics of the spool.
type Meters struct {
	accepted, written, quarantined prometheus.Counter
	missing                        prometheus.Counter
	commit, sync                   prometheus.Histogram
	drops                          *prometheus.CounterVec

	mu    sync.Mutex
	spool *Spool // what the gauges look at
}

var (
	bytesDesc   = describe("bytes", "Size of the files of the spool.")
	recordsDesc = describe("records", "Results that wait for a sink.", "sink")
	oldestDesc  = describe("oldest_age_seconds", "Age of the oldest result that waits for a sink; 0 when none does.", "sink")
	deadDesc    = describe("dead_letters", "Results that a sink will not take and that are kept for a person.", "sink")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("overshoot_agent", "spool", name), help, labels, nil)
}

// NewMeters registers the metrics.
func NewMeters(reg prometheus.Registerer) *Meters {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "spool", Name: name, Help: help})
	}
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "overshoot_agent", Subsystem: "spool", Name: name, Help: help, Buckets: prometheus.ExponentialBuckets(0.0002, 4, 9),
		})
	}
	m := &Meters{
		accepted:    counter("accepted_total", "Results that were committed."),
		written:     counter("written_bytes_total", "Bytes of results that were committed, without what the file adds."),
		quarantined: counter("quarantined_files_total", "Files that were set aside because they were damaged or could not be synced."),
		missing:     counter("missing_logs_total", "Times that the log of the file was missing at the start, and an unknown number of results with it."),
		commit:      histogram("commit_seconds", "Time of one commit."),
		sync:        histogram("sync_seconds", "Time of one fsync."),
		drops: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "overshoot_agent", Subsystem: "spool", Name: "dropped_total", Help: "Results that a sink did not get, by reason.",
		}, []string{"sink", "reason"}),
	}
	reg.MustRegister(m.accepted, m.written, m.quarantined, m.missing, m.commit, m.sync, m.drops, gauges{m})
	return m
}

// watch makes the gauges look at a spool.
func (m *Meters) watch(s *Spool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spool = s
}

func (m *Meters) dropped(sink, reason string) prometheus.Counter {
	return m.drops.WithLabelValues(sink, reason)
}

// sink makes the series of one sink, at zero.
func (m *Meters) sink(name string) {
	for _, reason := range reasons {
		m.dropped(name, reason)
	}
}

// forget removes the series of a sink that is no longer configured.
func (m *Meters) forget(name string) { m.drops.DeletePartialMatch(prometheus.Labels{"sink": name}) }

// gauges are read from the spool when somebody asks.
type gauges struct{ meters *Meters }

// Describe implements prometheus.Collector.
func (g gauges) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{bytesDesc, recordsDesc, oldestDesc, deadDesc} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (g gauges) Collect(to chan<- prometheus.Metric) {
	g.meters.mu.Lock()
	s := g.meters.spool
	g.meters.mu.Unlock()
	if s == nil {
		return
	}
	to <- prometheus.MustNewConstMetric(bytesDesc, prometheus.GaugeValue, float64(s.bytes.Load()))
	for _, q := range s.allQueues() {
		to <- prometheus.MustNewConstMetric(recordsDesc, prometheus.GaugeValue, float64(q.Len()), q.name)
		to <- prometheus.MustNewConstMetric(oldestDesc, prometheus.GaugeValue, q.Oldest().Seconds(), q.name)
		to <- prometheus.MustNewConstMetric(deadDesc, prometheus.GaugeValue, float64(q.DeadLetters()), q.name)
	}
}

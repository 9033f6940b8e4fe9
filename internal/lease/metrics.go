package lease

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "overshoot_agent"

// Vectors are the metrics of all keepers.
type Vectors struct {
	active, expiry                                                      *prometheus.GaugeVec
	created, adopted, released, createFailures, lost, keepaliveFailures *prometheus.CounterVec
}

// Metrics are those of one camera's keeper.
type Metrics struct {
	active, expiry                                                      prometheus.Gauge
	created, adopted, released, createFailures, lost, keepaliveFailures prometheus.Counter
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	gauge := func(name, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "stream", Name: name, Help: help}, []string{"camera"})
		reg.MustRegister(v)
		return v
	}
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "stream", Name: name, Help: help}, []string{"camera"})
		reg.MustRegister(v)
		return v
	}
	return &Vectors{
		active:            gauge("leases_active", "1 while the camera holds a stream."),
		expiry:            gauge("lease_expiry_timestamp_seconds", "When the lease runs out unless it is renewed, by the local clock; 0 without a stream."),
		created:           counter("created_total", "Streams created."),
		adopted:           counter("adopted_total", "Streams of an earlier life that were found alive and are held on."),
		released:          counter("released_total", "Streams deleted because the camera needed them no more."),
		createFailures:    counter("create_failures_total", "Creates that the service refused or that failed."),
		lost:              counter("lost_total", "Streams that ended before we released them."),
		keepaliveFailures: counter("keepalive_failures_total", "Keepalives that failed."),
	}
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		active: v.active.WithLabelValues(name), expiry: v.expiry.WithLabelValues(name),
		created: v.created.WithLabelValues(name), adopted: v.adopted.WithLabelValues(name), released: v.released.WithLabelValues(name),
		createFailures: v.createFailures.WithLabelValues(name), lost: v.lost.WithLabelValues(name),
		keepaliveFailures: v.keepaliveFailures.WithLabelValues(name),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.active.DeleteLabelValues(name)
	v.expiry.DeleteLabelValues(name)
	for _, c := range []*prometheus.CounterVec{v.created, v.adopted, v.released, v.createFailures, v.lost, v.keepaliveFailures} {
		c.DeleteLabelValues(name)
	}
}

// hold shows that the camera has a stream, as a create, the journal or a keepalive told of it.
func (m *Metrics) hold(s overshoot.Stream) {
	m.active.Set(1)
	m.expiry.Set(float64(time.Now().Add(time.Until(s.SentAt.Add(s.TTL))).Unix()))
}

func (m *Metrics) letGo() {
	m.active.Set(0)
	m.expiry.Set(0)
}

// JournalMetrics are those of the journal.
type JournalMetrics struct{ writeFailures, damaged prometheus.Counter }

// NewJournalMetrics registers the metrics.
func NewJournalMetrics(reg prometheus.Registerer) *JournalMetrics {
	m := &JournalMetrics{
		writeFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "journal", Name: "write_failures_total", Help: "Times the journal of streams did not get onto the disk.",
		}),
		damaged: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "journal", Name: "damaged_total", Help: "Journals that could not be read and were set aside.",
		}),
	}
	reg.MustRegister(m.writeFailures, m.damaged)
	return m
}

// JanitorMetrics are those of the janitor.
type JanitorMetrics struct{ deleted, expired prometheus.Counter }

// NewJanitorMetrics registers the metrics.
func NewJanitorMetrics(reg prometheus.Registerer) *JanitorMetrics {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "streams_orphaned_total", Help: "Streams that nobody held, by how they ended.",
	}, []string{"outcome"})
	reg.MustRegister(v)
	return &JanitorMetrics{deleted: v.WithLabelValues("deleted"), expired: v.WithLabelValues("expired")}
}

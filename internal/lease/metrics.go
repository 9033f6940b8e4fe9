package lease

import "github.com/prometheus/client_golang/prometheus"

const namespace = "overshoot_agent"

// Vectors are the metrics of all keepers.
type Vectors struct {
	active, expiry                                   *prometheus.GaugeVec
	created, createFailures, lost, keepaliveFailures *prometheus.CounterVec
}

// Metrics are those of one camera's keeper.
type Metrics struct {
	active, expiry                                   prometheus.Gauge
	created, createFailures, lost, keepaliveFailures prometheus.Counter
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
		expiry:            gauge("lease_expiry_timestamp_seconds", "When the newest lease runs out, by the local clock."),
		created:           counter("created_total", "Streams created."),
		createFailures:    counter("create_failures_total", "Creates that the service refused or that failed."),
		lost:              counter("lost_total", "Streams that ended before we released them."),
		keepaliveFailures: counter("keepalive_failures_total", "Keepalives that failed."),
	}
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		v.active.WithLabelValues(name), v.expiry.WithLabelValues(name),
		v.created.WithLabelValues(name), v.createFailures.WithLabelValues(name), v.lost.WithLabelValues(name), v.keepaliveFailures.WithLabelValues(name),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.active.DeleteLabelValues(name)
	v.expiry.DeleteLabelValues(name)
	for _, c := range []*prometheus.CounterVec{v.created, v.createFailures, v.lost, v.keepaliveFailures} {
		c.DeleteLabelValues(name)
	}
}

// PoolMetrics are those of the slot pool.
type PoolMetrics struct {
	slots, used *prometheus.GaugeVec
	waiting     prometheus.Gauge
}

// NewPoolMetrics registers the metrics.
func NewPoolMetrics(reg prometheus.Registerer) *PoolMetrics {
	m := &PoolMetrics{
		slots:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "slots", Help: "Streams each key may have at once."}, []string{"key"}),
		used:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: "slots_used", Help: "Slots taken on each key, those of streams with unknown outcome included."}, []string{"key"}),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "cameras_waiting", Help: "Cameras that wait for a slot."}),
	}
	reg.MustRegister(m.slots, m.used, m.waiting)
	return m
}

package sink

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all sinks.
type Vectors struct {
	sent, failures *prometheus.CounterVec
	delivery, age  *prometheus.HistogramVec
	lastSuccess    *prometheus.GaugeVec
}

// Metrics are those of one sink.
type Metrics struct {
	sent        prometheus.Counter
	failures    *prometheus.CounterVec // by kind
	delivery    prometheus.Observer
	age         prometheus.Observer
	lastSuccess prometheus.Gauge
}

func (m *Metrics) failed(k Kind) { m.failures.WithLabelValues(string(k)).Inc() }

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	label := []string{"sink"}
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "overshoot_agent", Subsystem: "sink", Name: name, Help: help}
	}
	v := &Vectors{
		sent: prometheus.NewCounterVec(prometheus.CounterOpts(opts("sent_total", "Results the sink took.")), label),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts(opts("failures_total", "Deliveries that failed, by what that means.")),
			[]string{"sink", "kind"}),
		delivery: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "overshoot_agent", Subsystem: "sink", Name: "delivery_seconds", Help: "Time one delivery took.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 4, 9),
		}, label),
		age: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "overshoot_agent", Subsystem: "sink", Name: "age_seconds", Help: "Time from the answer of the service until the sink had the result.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 12),
		}, label),
		lastSuccess: prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("last_success_timestamp_seconds", "When the sink last took something; 0 is never.")), label),
	}
	reg.MustRegister(v.sent, v.failures, v.delivery, v.age, v.lastSuccess)
	return v
}

// Sink makes the series of one sink, at zero.
func (v *Vectors) Sink(name string) *Metrics {
	failures := v.failures.MustCurryWith(prometheus.Labels{"sink": name})
	for _, k := range []Kind{Again, Refused, Gone} {
		failures.WithLabelValues(string(k))
	}
	return &Metrics{v.sent.WithLabelValues(name), failures, v.delivery.WithLabelValues(name), v.age.WithLabelValues(name), v.lastSuccess.WithLabelValues(name)}
}

// Forget removes the series of a sink that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.sent.DeleteLabelValues(name)
	v.failures.DeletePartialMatch(prometheus.Labels{"sink": name})
	v.delivery.DeleteLabelValues(name)
	v.age.DeleteLabelValues(name)
	v.lastSuccess.DeleteLabelValues(name)
}

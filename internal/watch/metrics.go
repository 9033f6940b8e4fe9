package watch

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all watches.
type Vectors struct {
	received, failures, malformed, tokens *prometheus.CounterVec
	latency                               *prometheus.HistogramVec
}

// Metrics are those of one camera's watch.
type Metrics struct {
	received, failures, malformed, tokens prometheus.Counter
	latency                               prometheus.Observer
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	label := []string{"camera", "watch"}
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Name: name, Help: help}, label)
		reg.MustRegister(v)
		return v
	}
	v := &Vectors{
		received:  counter("results_received_total", "Answers that became results."),
		failures:  counter("questions_failed_total", "Questions that got no answer."),
		malformed: counter("results_malformed_total", "Answers that are not the JSON that was asked for; they are delivered with ok false."),
		tokens:    counter("tokens_total", "Tokens used, prompt and completion, as far as the service told."),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "overshoot_agent", Name: "result_latency_seconds", Help: "Time from asking to the answer.",
			Buckets: []float64{.05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6},
		}, label),
	}
	reg.MustRegister(v.latency)
	return v
}

// Watch makes the series of one camera's watch, at zero.
func (v *Vectors) Watch(camera, watch string) *Metrics {
	return &Metrics{
		v.received.WithLabelValues(camera, watch), v.failures.WithLabelValues(camera, watch), v.malformed.WithLabelValues(camera, watch),
		v.tokens.WithLabelValues(camera, watch), v.latency.WithLabelValues(camera, watch),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(camera string) {
	match := prometheus.Labels{"camera": camera}
	for _, c := range []*prometheus.CounterVec{v.received, v.failures, v.malformed, v.tokens} {
		c.DeletePartialMatch(match)
	}
	v.latency.DeletePartialMatch(match)
}

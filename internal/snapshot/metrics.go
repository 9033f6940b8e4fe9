package snapshot

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all snapshots.
type Vectors struct {
	files, failures, removals *prometheus.CounterVec
	bytes                     *prometheus.GaugeVec
	seconds                   prometheus.Histogram
}

// metrics are those of one camera.
type metrics struct{ files, failures *prometheus.CounterVec }

func (m *metrics) taken(kind string) prometheus.Counter    { return m.files.WithLabelValues(kind) }
func (m *metrics) failed(reason string) prometheus.Counter { return m.failures.WithLabelValues(reason) }

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "snapshot", Name: name, Help: help}, labels)
	}
	v := &Vectors{
		files:    counter("files_total", "Snapshots that were written for results, by media type.", "camera", "type"),
		failures: counter("failures_total", "Results that went without their snapshot, by reason.", "camera", "reason"),
		removals: counter("removed_total", "Old snapshots that were removed, by the bound that they exceeded.", "sink", "reason"),
		bytes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "overshoot_agent", Subsystem: "snapshot", Name: "bytes", Help: "Size of the snapshots in the folder of a file sink.",
		}, []string{"sink"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "overshoot_agent", Subsystem: "snapshot", Name: "seconds", Help: "Time that a result waited for its snapshot.",
			Buckets: []float64{.01, .03, .1, .2, .4, .8, 1.6, 3.2, 6.4},
		}),
	}
	reg.MustRegister(v.files, v.failures, v.removals, v.bytes, v.seconds)
	return v
}

// camera makes the series of one camera, at zero.
func (v *Vectors) camera(name string) *metrics {
	label := prometheus.Labels{"camera": name}
	m := &metrics{v.files.MustCurryWith(label), v.failures.MustCurryWith(label)}
	for kind := range suffixes {
		m.taken(kind)
	}
	for _, reason := range reasons {
		m.failed(reason)
	}
	return m
}

// sink makes the series of one sink, at zero.
func (v *Vectors) sink(name string) {
	v.removed(name, removedSize)
	v.removed(name, removedAge)
	v.bytes.WithLabelValues(name)
}

func (v *Vectors) removed(sink, reason string) prometheus.Counter {
	return v.removals.WithLabelValues(sink, reason)
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(camera string) {
	match := prometheus.Labels{"camera": camera}
	v.files.DeletePartialMatch(match)
	v.failures.DeletePartialMatch(match)
}

func (v *Vectors) forgetSink(name string) {
	v.removals.DeletePartialMatch(prometheus.Labels{"sink": name})
	v.bytes.DeleteLabelValues(name)
}

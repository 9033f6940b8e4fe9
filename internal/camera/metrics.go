package camera

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all source loops.
type Vectors struct{ reconnects *prometheus.CounterVec }

// Metrics are those of one.
type Metrics struct{ reconnects *prometheus.CounterVec }

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	v := &Vectors{prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "overshoot_agent", Subsystem: "camera", Name: "reconnects_total", Help: "Sessions with the camera that ended, by reason.",
	}, []string{"camera", "reason"})}
	reg.MustRegister(v.reconnects)
	return v
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	m := &Metrics{v.reconnects.MustCurryWith(prometheus.Labels{"camera": name})}
	for _, r := range Reasons() {
		m.reconnects.WithLabelValues(string(r))
	}
	return m
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.reconnects.DeletePartialMatch(prometheus.Labels{"camera": name})
}

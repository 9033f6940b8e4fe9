package camera

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all source loops.
type Vectors struct{ reconnects, lost *prometheus.CounterVec }

// Metrics are those of one.
type Metrics struct {
	reconnects *prometheus.CounterVec
	lost       prometheus.Counter
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "camera", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	return &Vectors{
		reconnects: counter("reconnects_total", "Sessions with the camera that ended, by reason.", "camera", "reason"),
		lost:       counter("packets_lost_total", "Packets that got lost between the camera and us.", "camera"),
	}
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	m := &Metrics{v.reconnects.MustCurryWith(prometheus.Labels{"camera": name}), v.lost.WithLabelValues(name)}
	for _, r := range Reasons() {
		m.reconnects.WithLabelValues(string(r))
	}
	return m
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.reconnects.DeletePartialMatch(prometheus.Labels{"camera": name})
	v.lost.DeleteLabelValues(name)
}

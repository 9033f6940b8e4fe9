package slot

import "github.com/prometheus/client_golang/prometheus"

const namespace = "overshoot_agent"

// Metrics are those of the pool.
type Metrics struct {
	slots, used, blocked, offered *prometheus.GaugeVec // by key
	waiting                       prometheus.Gauge
	rank                          *prometheus.GaugeVec // by camera
	recalls                       *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	gauge := func(name, label, help string) *prometheus.GaugeVec {
		v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, []string{label})
		reg.MustRegister(v)
		return v
	}
	m := &Metrics{
		slots:   gauge("slots", "key", "Streams each key may have at once, as configured."),
		used:    gauge("slots_used", "key", "Slots of each key that cameras have, those of recalled cameras included until they have left."),
		blocked: gauge("slots_blocked", "key", "Slots of each key taken by streams that may exist although no camera holds them."),
		offered: gauge("slots_offered", "key", "Streams each key has or takes now; fewer than its slots while it is in trouble or some are blocked."),
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: "cameras_waiting", Help: "Cameras that wait for a slot."}),
		rank:    gauge("slot_rank", "camera", "Place of the camera among those that wait for a slot, 0 when it does not wait."),
		recalls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "slot_recalls_total", Help: "Slots that cameras had to give back, by cause.",
		}, []string{"cause"}),
	}
	reg.MustRegister(m.waiting, m.recalls)
	for _, c := range []Cause{CausePriority, CauseRotation, CauseDark, CauseKey} {
		m.recalls.WithLabelValues(string(c))
	}
	return m
}

// forgetKey removes the series of a key.
func (m *Metrics) forgetKey(name string) {
	for _, v := range []*prometheus.GaugeVec{m.slots, m.used, m.blocked, m.offered} {
		v.DeleteLabelValues(name)
	}
}

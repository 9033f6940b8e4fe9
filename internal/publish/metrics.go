package publish

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all publishers.
type Vectors struct {
	live       *prometheus.GaugeVec
	reconnects *prometheus.CounterVec
	packets    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	loss       *prometheus.GaugeVec
}

// Metrics are those of one camera's publisher.
type Metrics struct {
	live       prometheus.Gauge
	reconnects prometheus.Counter

	Packets  prometheus.Counter // sent by a session
	Failures prometheus.Counter // packets a session could not send
	Loss     prometheus.Gauge   // newest ratio of packets lost, by the room's receiver reports
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "overshoot_agent", Subsystem: "publish", Name: name, Help: help}
	}
	label := []string{"camera"}
	v := &Vectors{
		live:       prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("live", "1 while the camera is in the room of its stream.")), label),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts(opts("reconnects_total", "Stays in a room, or attempts to join one, that ended by themselves.")), label),
		packets:    prometheus.NewCounterVec(prometheus.CounterOpts(opts("packets_sent_total", "RTP packets sent to the room.")), label),
		failures:   prometheus.NewCounterVec(prometheus.CounterOpts(opts("packet_failures_total", "RTP packets that could not be sent.")), label),
		loss:       prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("packet_loss_ratio", "Share of packets lost on the way, 0-1, by the newest receiver report.")), label),
	}
	reg.MustRegister(v.live, v.reconnects, v.packets, v.failures, v.loss)
	return v
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		live: v.live.WithLabelValues(name), reconnects: v.reconnects.WithLabelValues(name),
		Packets: v.packets.WithLabelValues(name), Failures: v.failures.WithLabelValues(name), Loss: v.loss.WithLabelValues(name),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.live.DeleteLabelValues(name)
	v.reconnects.DeleteLabelValues(name)
	v.packets.DeleteLabelValues(name)
	v.failures.DeleteLabelValues(name)
	v.loss.DeleteLabelValues(name)
}

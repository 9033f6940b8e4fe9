package publish

import "github.com/prometheus/client_golang/prometheus"

// What a doubt about a stay rests on.
const (
	evidenceReports  = "reports"  // the room's receiver reports
	evidencePictures = "pictures" // what the service says it has seen
)

// Vectors are the metrics of all publishers.
type Vectors struct {
	live       *prometheus.GaugeVec
	reconnects *prometheus.CounterVec
	doubts     *prometheus.CounterVec
	keys       *prometheus.CounterVec
	packets    *prometheus.CounterVec
	failures   *prometheus.CounterVec
	loss       *prometheus.GaugeVec
}

// Metrics are those of one camera's publisher.
type Metrics struct {
	live       prometheus.Gauge
	reconnects prometheus.Counter
	doubts     map[string]prometheus.Counter // by evidence

	Keys     prometheus.Counter // key frames the room asked a session for
	Packets  prometheus.Counter // sent by a session
	Failures prometheus.Counter // packets a session could not send
	Loss     prometheus.Gauge   // newest ratio of packets lost, by the room's receiver reports
}

func (m *Metrics) doubted(evidence string) { m.doubts[evidence].Inc() }

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	opts := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "overshoot_agent", Subsystem: "publish", Name: name, Help: help}
	}
	label := []string{"camera"}
	v := &Vectors{
		live:       prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("live", "1 while the camera is in the room of its stream.")), label),
		reconnects: prometheus.NewCounterVec(prometheus.CounterOpts(opts("reconnects_total", "Stays in a room, or attempts to join one, that ended by themselves.")), label),
		doubts: prometheus.NewCounterVec(prometheus.CounterOpts(opts("doubts_total",
			"Stays that were ended because nothing seemed to arrive, by the evidence: reports of the room, or pictures seen by the service.")), []string{"camera", "evidence"}),
		keys:     prometheus.NewCounterVec(prometheus.CounterOpts(opts("key_frame_requests_total", "Key frames the room asked for (PLI and FIR).")), label),
		packets:  prometheus.NewCounterVec(prometheus.CounterOpts(opts("packets_sent_total", "RTP packets sent to the room.")), label),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts(opts("packet_failures_total", "RTP packets that could not be sent.")), label),
		loss:     prometheus.NewGaugeVec(prometheus.GaugeOpts(opts("packet_loss_ratio", "Share of packets lost on the way, 0-1, by the newest receiver report.")), label),
	}
	reg.MustRegister(v.live, v.reconnects, v.doubts, v.keys, v.packets, v.failures, v.loss)
	return v
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	m := &Metrics{
		live: v.live.WithLabelValues(name), reconnects: v.reconnects.WithLabelValues(name), doubts: map[string]prometheus.Counter{},
		Keys: v.keys.WithLabelValues(name), Packets: v.packets.WithLabelValues(name), Failures: v.failures.WithLabelValues(name), Loss: v.loss.WithLabelValues(name),
	}
	for _, evidence := range []string{evidenceReports, evidencePictures} {
		m.doubts[evidence] = v.doubts.WithLabelValues(name, evidence)
	}
	return m
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	v.live.DeleteLabelValues(name)
	v.reconnects.DeleteLabelValues(name)
	v.doubts.DeletePartialMatch(prometheus.Labels{"camera": name})
	v.keys.DeleteLabelValues(name)
	v.packets.DeleteLabelValues(name)
	v.failures.DeleteLabelValues(name)
	v.loss.DeleteLabelValues(name)
}

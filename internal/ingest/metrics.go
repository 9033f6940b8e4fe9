package ingest

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all intakes.
type Vectors struct {
	invalid, dropped *prometheus.CounterVec
	path             *prometheus.GaugeVec
}

// Metrics are those of one camera.
type Metrics struct {
	invalid prometheus.Counter
	dropped *prometheus.CounterVec
	path    *prometheus.GaugeVec
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "camera", Name: name, Help: help}, labels)
		reg.MustRegister(v)
		return v
	}
	v := &Vectors{
		invalid: counter("invalid_packets_total", "RTP payloads dropped because they are neither H.264 (RFC 6184) nor H.265 (RFC 7798), and raw pictures of a wrong size.", "camera"),
		dropped: counter("frames_dropped_total", "Pictures left out up to a key frame because one of them was damaged, by reason.", "camera", "reason"),
		path: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "overshoot_agent", Subsystem: "camera", Name: "video_path", Help: "1 for what becomes of the camera's video, 0 for the others.",
		}, []string{"camera", "path"}),
	}
	reg.MustRegister(v.path)
	return v
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	label := prometheus.Labels{"camera": name}
	m := &Metrics{invalid: v.invalid.WithLabelValues(name), dropped: v.dropped.MustCurryWith(label), path: v.path.MustCurryWith(label)}
	for _, r := range reasons() {
		m.dropped.WithLabelValues(string(r))
	}
	m.follow(none)
	return m
}

// follow notes the path that the video takes; none if it is empty.
func (m *Metrics) follow(p path) {
	for _, each := range paths() {
		value := 0.0
		if each == p {
			value = 1
		}
		m.path.WithLabelValues(string(each)).Set(value)
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	label := prometheus.Labels{"camera": name}
	v.invalid.DeleteLabelValues(name)
	v.dropped.DeletePartialMatch(label)
	v.path.DeletePartialMatch(label)
}

package encode

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the metrics of all transcoders.
type Vectors struct {
	in, out, dropped, skipped, restarts, cpu *prometheus.CounterVec
	encoder                                  *prometheus.GaugeVec
}

// Metrics are those of one camera.
type Metrics struct {
	in, out, dropped, skipped, restarts, cpu prometheus.Counter
	encoder                                  *prometheus.GaugeVec // by encoder
	names                                    []string             // of those that may be in use
}

// NewVectors registers the metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "encode", Name: name, Help: help}, []string{"camera"})
		reg.MustRegister(v)
		return v
	}
	v := &Vectors{
		in:       counter("frames_in_total", "Pictures of the camera that were to be transcoded."),
		out:      counter("frames_out_total", "Pictures that the encoder gave."),
		dropped:  counter("frames_dropped_total", "Pictures dropped before the encoder because it could not keep up, or could not begin with them."),
		skipped:  counter("frames_skipped_total", "Pictures of which the encoder made nothing: to keep within its bits, or because they were damaged."),
		restarts: counter("restarts_total", "Encoders that failed and were started again or replaced."),
		cpu:      counter("cpu_seconds_total", "Processor time of the encoder: of its child process, or of the thread that it works on in this process."),
		encoder: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "overshoot_agent", Subsystem: "encode", Name: "encoder", Help: "1 for the encoder in use.",
		}, []string{"camera", "encoder"}),
	}
	reg.MustRegister(v.encoder)
	return v
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		in: v.in.WithLabelValues(name), out: v.out.WithLabelValues(name), dropped: v.dropped.WithLabelValues(name),
		skipped: v.skipped.WithLabelValues(name), restarts: v.restarts.WithLabelValues(name), cpu: v.cpu.WithLabelValues(name),
		encoder: v.encoder.MustCurryWith(prometheus.Labels{"camera": name}),
	}
}

// know makes the series of the encoders that there are.
func (m *Metrics) know(names []string) {
	m.names = names
	m.use("")
}

// use notes which encoder is in use; none if name is empty.
func (m *Metrics) use(name string) {
	for _, each := range m.names {
		value := 0.0
		if each == name {
			value = 1
		}
		m.encoder.WithLabelValues(each).Set(value)
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	for _, c := range []*prometheus.CounterVec{v.in, v.out, v.dropped, v.skipped, v.restarts, v.cpu} {
		c.DeleteLabelValues(name)
	}
	v.encoder.DeletePartialMatch(prometheus.Labels{"camera": name})
}

package hub

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the hub's metrics of all cameras.
type Vectors struct{ packets, bytes, pictures, keys, invalid, undecodable, clockResets *prometheus.CounterVec }

// Metrics are those of one camera.
type Metrics struct{ packets, bytes, pictures, keys, invalid, undecodable, clockResets prometheus.Counter }

// NewVectors registers the hub's metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "camera", Name: name, Help: help}, []string{"camera"})
		reg.MustRegister(v)
		return v
	}
	return &Vectors{
		packets:     counter("packets_received_total", "RTP payloads the camera delivered."),
		bytes:       counter("bytes_received_total", "Bytes of RTP payload the camera delivered."),
		pictures:    counter("frames_received_total", "Complete pictures the camera delivered."),
		keys:        counter("key_frames_received_total", "Complete key frames the camera delivered."),
		invalid:     counter("invalid_packets_total", "RTP payloads dropped because they are no H.264 (RFC 6184)."),
		undecodable: counter("undecodable_key_frames_total", "Key frames held back because the camera never sent their parameter sets."),
		clockResets: counter("clock_resets_total", "Jumps in the camera's timestamps that were bridged with the time of arrival."),
	}
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		packets: v.packets.WithLabelValues(name), bytes: v.bytes.WithLabelValues(name), pictures: v.pictures.WithLabelValues(name),
		keys: v.keys.WithLabelValues(name), invalid: v.invalid.WithLabelValues(name), undecodable: v.undecodable.WithLabelValues(name),
		clockResets: v.clockResets.WithLabelValues(name),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	for _, c := range []*prometheus.CounterVec{v.packets, v.bytes, v.pictures, v.keys, v.invalid, v.undecodable, v.clockResets} {
		c.DeleteLabelValues(name)
	}
}

package hub

import "github.com/prometheus/client_golang/prometheus"

// Vectors are the hub's metrics of all cameras.
type Vectors struct {
	packets, bytes, pictures, keys, undecodable, clockResets, skipped, replays, asked, dropped *prometheus.CounterVec
	interval                                                                                   *prometheus.GaugeVec
}

// Metrics are those of one camera.
type Metrics struct {
	packets, bytes, pictures, keys, undecodable, clockResets, skipped, replays, asked, dropped prometheus.Counter
	interval                                                                                   prometheus.Gauge
}

// NewVectors registers the hub's metrics.
func NewVectors(reg prometheus.Registerer) *Vectors {
	counter := func(name, help string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "overshoot_agent", Subsystem: "camera", Name: name, Help: help}, []string{"camera"})
		reg.MustRegister(v)
		return v
	}
	interval := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "overshoot_agent", Subsystem: "camera", Name: "key_frame_interval_seconds",
		Help: "Time between the last two key frames of the camera; 0 before the second.",
	}, []string{"camera"})
	reg.MustRegister(interval)
	return &Vectors{
		interval:    interval,
		packets:     counter("packets_received_total", "RTP payloads the camera delivered."),
		bytes:       counter("bytes_received_total", "Bytes of RTP payload the camera delivered."),
		pictures:    counter("frames_received_total", "Complete pictures the camera delivered."),
		keys:        counter("key_frames_received_total", "Complete key frames the camera delivered."),
		undecodable: counter("undecodable_key_frames_total", "Key frames held back because the camera never sent their parameter sets."),
		clockResets: counter("clock_resets_total", "Jumps in the camera's timestamps that were bridged with the time of arrival."),
		skipped:     counter("frames_skipped_total", "Pictures the room did not get: writing to it was slower than the camera, or a key frame ended a replay."),
		replays:     counter("replays_total", "Groups of pictures sent again from their key frame, because a stay began or the room asked."),
		asked:       counter("key_frames_asked_total", "Key frames asked of our own encoder, because the room asked."),
		dropped:     counter("unreplayable_groups_total", "Groups of pictures too long or too large to be kept for a replay."),
	}
}

// Camera makes the series of one camera, at zero.
func (v *Vectors) Camera(name string) *Metrics {
	return &Metrics{
		packets: v.packets.WithLabelValues(name), bytes: v.bytes.WithLabelValues(name), pictures: v.pictures.WithLabelValues(name),
		keys: v.keys.WithLabelValues(name), undecodable: v.undecodable.WithLabelValues(name),
		clockResets: v.clockResets.WithLabelValues(name), skipped: v.skipped.WithLabelValues(name), replays: v.replays.WithLabelValues(name), asked: v.asked.WithLabelValues(name),
		dropped: v.dropped.WithLabelValues(name), interval: v.interval.WithLabelValues(name),
	}
}

// Forget removes the series of a camera that is no longer configured.
func (v *Vectors) Forget(name string) {
	for _, c := range []*prometheus.CounterVec{
		v.packets, v.bytes, v.pictures, v.keys, v.undecodable, v.clockResets, v.skipped, v.replays, v.asked, v.dropped,
	} {
		c.DeleteLabelValues(name)
	}
	v.interval.DeleteLabelValues(name)
}

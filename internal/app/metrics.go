package app

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/snapshot"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of every package, all on the one registry.
type metrics struct {
	reloaded, reloadedAt prometheus.Gauge
	restarts             *prometheus.CounterVec
	api                  *overshoot.Metrics
	slot                 *slot.Metrics

	camera  *camera.Vectors
	ingest  *ingest.Vectors
	encode  *encode.Vectors
	hub     *hub.Vectors
	lease   *lease.Vectors
	publish *publish.Vectors
	watch   *watch.Vectors
	sink    *sink.Vectors
	spool   *spool.Meters

	snapshot *snapshot.Vectors
}

func newMetrics(reg prometheus.Registerer, version string) metrics {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "overshoot_agent", Name: "build_info", Help: "Always 1; the version stands in the label.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	reg.MustRegister(info)
	reloaded := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "overshoot_agent", Name: "config_last_reload_successful", Help: "1 when the newest configuration is in force, 0 when it was rejected.",
	})
	reloadedAt := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: "overshoot_agent", Name: "config_last_reload_success_timestamp_seconds", Help: "When the configuration in force was taken.",
	})
	reg.MustRegister(reloaded, reloadedAt)
	return metrics{
		reloaded: reloaded, reloadedAt: reloadedAt, restarts: supervisor.NewRestarts(reg), api: overshoot.NewMetrics(reg), slot: slot.NewMetrics(reg),
		camera: camera.NewVectors(reg), ingest: ingest.NewVectors(reg), encode: encode.NewVectors(reg), hub: hub.NewVectors(reg), lease: lease.NewVectors(reg), publish: publish.NewVectors(reg),
		watch: watch.NewVectors(reg), sink: sink.NewVectors(reg), spool: spool.NewMeters(reg), snapshot: snapshot.NewVectors(reg),
	}
}

// forgetCamera removes the series of a camera.
func (m metrics) forgetCamera(name string) {
	m.camera.Forget(name)
	m.ingest.Forget(name)
	m.encode.Forget(name)
	m.hub.Forget(name)
	m.lease.Forget(name)
	m.publish.Forget(name)
	m.watch.Forget(name)
	m.snapshot.Forget(name)
}

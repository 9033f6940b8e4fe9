package app

import (
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics are those of every package, all on the one registry.
type metrics struct {
	camera  *camera.Vectors
	hub     *hub.Vectors
	lease   *lease.Vectors
	publish *publish.Vectors
	watch   *watch.Vectors
	sink    *sink.Vectors
	spool   *spool.Vectors
}

func newMetrics(reg prometheus.Registerer, version string) metrics {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "overshoot_agent", Name: "build_info", Help: "Always 1; the version stands in the label.",
	}, []string{"version"})
	info.WithLabelValues(version).Set(1)
	reg.MustRegister(info)
	return metrics{
		camera: camera.NewVectors(reg), hub: hub.NewVectors(reg), lease: lease.NewVectors(reg), publish: publish.NewVectors(reg),
		watch: watch.NewVectors(reg), sink: sink.NewVectors(reg), spool: spool.NewVectors(reg),
	}
}

package encode_test

import (
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// BenchmarkLatency transcodes ten seconds of 1080p30 as they come from a camera, and tells for how long a picture is under way and what
// share of a core it takes. Run it with -benchtime=1x.
func BenchmarkLatency(b *testing.B) {
	for name, c := range map[string]clip{
		"H.265": {
			codec: camera.H265, size: "1920x1080", length: 300, format: "hevc",
			args: "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=60:bframes=0:repeat-headers=1 -b:v 4M",
		},
		"MJPEG": {codec: camera.MJPEG, size: "1920x1080", length: 300, format: "mjpeg", args: "-c:v mjpeg -q:v 5"},
	} {
		b.Run(name, func(b *testing.B) {
			c.moving = true
			shots := c.make(b, 0)
			for b.Loop() {
				measure(b, c.codec, shots)
			}
		})
	}
}

// warmUp is how many pictures do not count: the child has to start, and then to catch up.
const warmUp = 60

func measure(b *testing.B, codec camera.Codec, shots []shot) {
	watch := &stopwatch{written: make(map[uint32]time.Time), took: make(map[uint32]time.Duration)}
	r := start(b, encode.Options{Codec: codec, MaxHeight: 720})
	r.screen.listen(watch.stop)
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	for i, s := range shots {
		if i >= warmUp {
			watch.start(s.Timestamp)
		}
		r.Write(s.Picture)
		<-tick.C
	}
	eventually(b, "the last picture", func() bool {
		return r.metric(b, "frames_out_total")+r.metric(b, "frames_dropped_total") >= float64(len(shots))
	})
	_ = r.stop()

	took := slices.Sorted(maps.Values(watch.took))
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1e3, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1e3, "p99-ms")
	b.ReportMetric(r.metric(b, "frames_dropped_total"), "dropped")
	b.ReportMetric(100*r.metric(b, "cpu_seconds_total")/(float64(len(shots))/30), "cpu-%")
}

// A stopwatch takes the time of each picture, from Write to its last packet.
type stopwatch struct {
	mu      sync.Mutex
	written map[uint32]time.Time
	took    map[uint32]time.Duration
}

func (w *stopwatch) start(stamp uint32) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written[stamp] = time.Now()
}

func (w *stopwatch) stop(p camera.Packet) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if since, ok := w.written[p.Timestamp]; ok && p.Marker {
		w.took[p.Timestamp] = time.Since(since)
	}
}

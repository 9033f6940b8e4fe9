package ingest_test

import (
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// drain is a hub that costs nothing.
type drain struct{ packets, pictures int }

func (*drain) Begin(camera.Parameters) {}
func (*drain) Interrupt()              {}
func (d *drain) Packet(p camera.Packet) {
	d.packets++
	if p.Marker {
		d.pictures++
	}
}

// BenchmarkPacket is the steady state of one camera: pictures of 16 packets, 4 Mbit/s at 30 pictures a second, with parameter sets and a key
// frame every 60.
func BenchmarkPacket(b *testing.B) {
	for name, size := range map[string]int{"packets that fit": 1102, "packets to be cut": 1402} {
		for markers, marked := range map[string]bool{"marked": true, "unmarked": false} {
			b.Run(name+", "+markers, func(b *testing.B) {
				d := &drain{}
				reg := prometheus.NewRegistry()
				i := ingest.New(ingest.Options{
					Hub: d, Part: status.NewBoard(zap.NewNop(), reg).Add("yard", camera.Kind), Log: zap.NewNop(),
					Metrics: ingest.NewVectors(reg).Camera("yard"),
				})
				i.Begin(camera.Format{Codec: camera.H264})
				var group []camera.Packet
				for n := range uint32(60) {
					header := byte(0x41)
					if n == 0 {
						header = 0x65
						group = append(group, camera.Packet{Payload: sps}, camera.Packet{Payload: pps})
					}
					h264.NewCutter(size).Cut(slice(header, true, make5(16*(size-2)-1)), func(piece []byte, last bool) {
						group = append(group, camera.Packet{Payload: append([]byte(nil), piece...), Timestamp: n * 3000, Marker: marked && last})
					})
				}
				b.ReportAllocs()
				b.SetBytes(int64(size))
				at, turn := 0, uint32(0)
				for b.Loop() {
					p := group[at]
					p.Timestamp += turn
					i.Packet(p)
					if at++; at == len(group) {
						at, turn = 0, turn+60*3000
					}
				}
				if d.packets == 0 {
					b.Error("nothing was passed on")
				}
			})
		}
	}
}

package hub

import (
	"runtime"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

// BenchmarkPacket is the steady state of one camera: pictures of 16 packets of 1102 bytes, 4 Mbit/s at 30 pictures a second, with a key
// frame every 60.
func BenchmarkPacket(b *testing.B) {
	for _, bench := range []struct {
		name   string
		outlet bool
	}{{"written directly", true}, {"only kept", false}} {
		b.Run(bench.name, func(b *testing.B) {
			h := newHub()
			h.Begin(camera.Parameters{SPS: sps, PPS: pps})
			written := 0
			if bench.outlet {
				defer h.Attach(func(p camera.Packet) { written += len(p.Payload) })()
				send(h, 0, idr)
				for passing := false; !passing; runtime.Gosched() {
					h.mu.Lock()
					passing = h.out.mode == direct
					h.mu.Unlock()
				}
			}
			inter := append([]byte{0x7c, 0x01}, make([]byte, 1100)...)
			intra := append([]byte{0x7c, 0x05}, make([]byte, 1100)...)
			b.ReportAllocs()
			b.SetBytes(int64(len(inter)))
			for i := 0; b.Loop(); i++ {
				payload := inter
				if i%(16*60) < 16 {
					payload = intra
				}
				h.Packet(camera.Packet{Payload: payload, Timestamp: uint32(i/16+1) * 3000, Marker: i%16 == 15})
			}
			if bench.outlet && written == 0 {
				b.Error("nothing was written")
			}
		})
	}
}

// BenchmarkStore is what keeping a packet costs, the copy included.
func BenchmarkStore(b *testing.B) {
	s := newStore()
	payload := make([]byte, 1102)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for i := 0; b.Loop(); i++ {
		s.add(entry{}, payload)
		if i%960 == 0 {
			s.release(func(*slab) bool { return false })
		}
	}
}

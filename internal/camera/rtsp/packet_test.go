package rtsp_test

import (
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/pion/rtp"
)

// nobody is a receiver that only counts.
type nobody struct{ packets int }

func (n *nobody) Begin(camera.Format)  {}
func (n *nobody) Packet(camera.Packet) { n.packets++ }

// BenchmarkPacket is what this package adds to a packet of the client.
func BenchmarkPacket(b *testing.B) {
	pass := rtsp.PacketPath(&nobody{})
	packets := packetsOf()
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		p := packets[n%len(packets)]
		p.SequenceNumber = uint16(n)
		pass(p)
	}
}

func TestAPacketCostsNoMemory(t *testing.T) {
	r := &nobody{}
	pass := rtsp.PacketPath(r)
	packets := packetsOf()
	if n := testing.AllocsPerRun(1000, func() {
		for _, p := range packets {
			p.SequenceNumber += uint16(len(packets))
			pass(p)
		}
	}); n != 0 {
		t.Errorf("%v allocations for %d packets", n, len(packets))
	}
	if r.packets != 1001*len(packets) {
		t.Errorf("%d packets arrived", r.packets)
	}
}

func packetsOf() []*rtp.Packet {
	packets := make([]*rtp.Packet, 10)
	for i := range packets {
		packets[i] = &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(i)}, Payload: make([]byte, 1000)}
		packets[i].Payload[0] = 0x41
	}
	packets[9].Payload = append(packets[9].Payload, make([]byte, 1000)...)
	return packets
}

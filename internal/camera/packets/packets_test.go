package packets_test

import (
	"bytes"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/packets"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"pgregory.net/rapid"
)

// A screen is a receiver that puts units together again.
type screen struct {
	t       rapid.TB
	codec   camera.Codec
	units   [][]byte
	lost    []int
	markers []bool
}

func (s *screen) Begin(camera.Format) { s.t.Error("the session is not the packer's") }

func (s *screen) Packet(p camera.Packet) {
	s.lost, s.markers = append(s.lost, p.Lost), append(s.markers, p.Marker)
	if p.Timestamp != 77 {
		s.t.Errorf("timestamp %d", p.Timestamp)
	}
	fragment, ok := h264.ParseFragment(p.Payload)
	switch {
	case s.codec == camera.H265 || !ok:
		s.units = append(s.units, bytes.Clone(p.Payload))
	case fragment.Start:
		s.units = append(s.units, append([]byte{fragment.Header}, fragment.Body...))
	default:
		last := &s.units[len(s.units)-1]
		*last = append(*last, fragment.Body...)
	}
	if s.codec == camera.H264 && len(p.Payload) > camera.MaxPayload {
		s.t.Errorf("a packet of %d bytes", len(p.Payload))
	}
}

// Every unit that carries something arrives, the loss is told once and first, and the end once and last.
func TestPackets(t *testing.T) {
	headers := map[camera.Codec][]byte{
		camera.H264: {0x67, 0x68, 0x65, 0x41, 0x06, 0x09, 0x0c, 0x0a, 0x00, 0x78}, // the last five carry nothing, or are none
		camera.H265: {0x40, 0x42, 0x44, 0x26, 0x02, 0x46, 0x48, 0x4a, 0x4c, 0x60},
	}
	rapid.Check(t, func(t *rapid.T) {
		codec := rapid.SampledFrom([]camera.Codec{camera.H264, camera.H265}).Draw(t, "codec")
		var stream []byte
		var want [][]byte
		for _, kind := range rapid.SliceOfN(rapid.IntRange(0, 9), 0, 6).Draw(t, "kinds") {
			unit := []byte{headers[codec][kind], 1}
			unit = append(unit, bytes.Repeat([]byte{7}, rapid.SampledFrom([]int{1, 100, 1198, 1199, 5000}).Draw(t, "size"))...)
			stream = append(append(stream, 0, 0, 0, 1), unit...)
			if kind < 5 {
				want = append(want, unit)
			}
		}
		s := &screen{t: t, codec: codec}
		if ok := packets.New(s, codec).Stream(stream, 77, 3); ok != (len(want) > 0) {
			t.Fatalf("delivered: %v, of %d units", ok, len(want))
		}
		if len(s.units) != len(want) {
			t.Fatalf("%d units, want %d", len(s.units), len(want))
		}
		for i := range want {
			if !bytes.Equal(s.units[i], want[i]) {
				t.Fatalf("unit %d is another", i)
			}
		}
		for i := range s.lost {
			if first := i == 0; (s.lost[i] == 3) != first || s.lost[i] != 0 && !first || s.markers[i] != (i == len(s.lost)-1) {
				t.Fatalf("packet %d: %d lost, marker %v", i, s.lost[i], s.markers[i])
			}
		}
	})
}

package probe_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/probe"
)

// FuzzRun feeds packets of a camera that may send anything, each with its length before it.
func FuzzRun(f *testing.F) {
	f.Add(byte(0), []byte{25, 0x67, 0x42, 0xc0, 0x28, 0xd9, 0x00, 0x78, 0x02, 0x27, 0xe5, 0x84, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xf0, 0x3c, 0x60, 0xc9, 0x20, 2, 0x65, 0x88, 2, 0x41, 0x9a})
	f.Add(byte(1), append([]byte{40}, sps265...))
	f.Add(byte(1), []byte{9, 0x60, 1, 0, 3, 0x40, 1, 2, 0, 9, 4, 0x62, 1, 0x93, 0xaf})
	f.Add(byte(2), photo(8, 8))
	f.Fuzz(func(t *testing.T, codec byte, data []byte) {
		r := probe.Run(t.Context(), &stranger{codec, data}, probe.Options{Encoders: &encoders{}})
		if r.Fault != nil && strings.Contains(r.Fault.Text, "panic") {
			t.Error(r.Fault.Text)
		}
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
		if err := r.Print(io.Discard); err != nil {
			t.Error(err)
		}
	})
}

// stranger is a camera that sends data.
type stranger struct {
	codec byte
	data  []byte
}

func (s *stranger) String() string { return "rtsp://stranger" }

func (s *stranger) Run(_ context.Context, r camera.Receiver) error {
	codec := []camera.Codec{camera.H264, camera.H265, camera.MJPEG}[s.codec%3]
	r.Begin(camera.Format{Codec: codec, Sets: [][]byte{s.data}})
	for n, rest := uint32(0), bytes.Clone(s.data); len(rest) > 0; n++ {
		size := min(int(rest[0]), len(rest)-1)
		p := camera.Packet{Payload: rest[1 : 1+size], Timestamp: n / 2 * 3600, Marker: n%2 == 1, Lost: int(rest[0]) / 255}
		rest = rest[1+size:]
		r.Packet(p)
	}
	return nil
}

package rtsp_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/rtsp"
	"github.com/pion/rtp"
)

// recorder is a receiver that keeps what it gets.
type recorder struct{ packets []camera.Packet }

func (r *recorder) Begin(camera.Format) {}
func (r *recorder) Packet(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	r.packets = append(r.packets, p)
}

// numbered is a packet; late ones have the timestamps of when they should have come.
type numbered struct {
	number    uint16
	timestamp uint32
}

func TestNumbers(t *testing.T) {
	after := func(from numbered, numbers ...uint16) []numbered { // each a picture of its own
		all := []numbered{from}
		for i, n := range numbers {
			all = append(all, numbered{n, from.timestamp + uint32(i+1)*3000})
		}
		return all
	}
	for name, tc := range map[string]struct {
		sent []numbered
		lost []int // before each that passes
	}{
		"in order":                             {after(numbered{7, 0}, 8, 9), []int{0, 0, 0}},
		"over the end":                         {after(numbered{65534, 0}, 65535, 0, 1), []int{0, 0, 0, 0}},
		"one is missing":                       {after(numbered{7, 0}, 9), []int{0, 1}},
		"many, over the end":                   {after(numbered{65534, 0}, 3), []int{0, 4}},
		"twice the same":                       {[]numbered{{7, 0}, {8, 0}, {8, 0}, {9, 3000}}, []int{0, 0, 0}},
		"all of it twice":                      {[]numbered{{7, 0}, {8, 0}, {7, 0}, {8, 0}, {9, 3000}}, []int{0, 0, 0}},
		"one comes too late":                   {[]numbered{{7, 0}, {9, 3000}, {8, 0}, {10, 6000}}, []int{0, 1, 0}},
		"it counts anew":                       {after(numbered{40000, 1 << 31}, 5, 6), []int{0, 1, 0}},
		"anew, and little back":                {after(numbered{50, 0}, 0, 1), []int{0, 1, 0}},
		"anew, and far on":                     {after(numbered{50, 0}, 20000, 20001), []int{0, 1, 0}},
		"a timestamp that wraps, and one lost": {[]numbered{{7, 1<<32 - 3000}, {9, 0}}, []int{0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, codec := range []camera.Codec{camera.H264, camera.H265} {
				r := &recorder{}
				pass := rtsp.Path(codec, r)
				for _, p := range tc.sent {
					pass(&rtp.Packet{Header: rtp.Header{SequenceNumber: p.number, Timestamp: p.timestamp}, Payload: []byte{1}})
				}
				var lost []int
				for _, p := range r.packets {
					lost = append(lost, p.Lost)
				}
				if !slices.Equal(lost, tc.lost) {
					t.Errorf("%s: lost %v, want %v", codec, lost, tc.lost)
				}
			}
		})
	}
}

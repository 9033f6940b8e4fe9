package encode

import (
	"bytes"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

type tape struct{ kinds []byte }

func (t *tape) Packet(p camera.Packet) { t.kinds = append(t.kinds, p.Payload[0]&0x1f) }

// Encoders of hardware send their parameter sets once, and somebody may come later.
func TestParameterSetsComeBeforeEachKeyFrame(t *testing.T) {
	unit := func(kinds ...byte) (stream []byte) {
		for _, kind := range kinds {
			stream = append(stream, 0, 0, 0, 1, 0x60|kind, 1, 2, 3)
		}
		return stream
	}
	for _, tc := range []struct {
		name     string
		pictures [][]byte
		want     []byte // kinds of units
	}{
		{"they come once", [][]byte{unit(7, 8, 5), unit(1), unit(5)}, []byte{7, 8, 5, 1, 7, 8, 5}},
		{"they always come", [][]byte{unit(9, 7, 8, 6, 5), unit(9, 7, 8, 5)}, []byte{7, 8, 6, 5, 7, 8, 5}},
		{"they never came", [][]byte{unit(5), unit(1)}, []byte{5, 1}},
		{"they come by themselves", [][]byte{unit(7, 8), unit(5, 5)}, []byte{7, 8, 7, 8, 5, 5}},
	} {
		var out tape
		p := newPackets(&out)
		for _, picture := range tc.pictures {
			p.send(picture, 0)
		}
		if !bytes.Equal(out.kinds, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.name, out.kinds, tc.want)
		}
	}
}

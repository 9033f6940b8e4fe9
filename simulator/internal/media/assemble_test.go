package media

import (
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtp"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

var (
	sps360p = []byte{ // 640x360, by x264
		0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5, 0x84,
		0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x58, 0xba, 0x80,
	}
	keyUnit  = [][]byte{sps360p, {0x68, 0xce, 0x3c, 0x80}, append([]byte{0x65, 0x88}, make([]byte, 3000)...)}
	nextUnit = [][]byte{append([]byte{0x41, 0x9a}, make([]byte, 2000)...)}
)

// packetize returns the packets of units, with a padding-only packet before each unit, one millisecond apart.
func packetize(t *testing.T, units ...[][]byte) []arrival {
	t.Helper()
	packetizer := &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: 1000, PacketizationMode: 1}
	if err := packetizer.Init(); err != nil {
		t.Fatal(err)
	}
	var arrivals []arrival
	add := func(packet *rtp.Packet) {
		arrivals = append(arrivals, arrival{packet, noon.Add(time.Duration(len(arrivals)) * time.Millisecond)})
	}
	for n, unit := range units {
		packets, err := packetizer.Encode(unit)
		if err != nil {
			t.Fatal(err)
		}
		add(&rtp.Packet{Header: rtp.Header{Padding: true, PaddingSize: 255}})
		for _, packet := range packets {
			packet.Timestamp = uint32(n * 3000)
			add(packet)
		}
	}
	return arrivals
}

// assembleAll returns the complete units and how many were skipped.
func assembleAll(a *assembler, arrivals []arrival) (units []unit, skipped int) {
	for _, packet := range arrivals {
		u, skip, ok := a.add(packet)
		if ok {
			units = append(units, u)
		}
		if skip {
			skipped++
		}
	}
	return units, skipped
}

func TestUnitsAreAssembled(t *testing.T) {
	arrivals := packetize(t, nextUnit, keyUnit, nextUnit)
	units, skipped := assembleAll(newAssembler(), arrivals)
	if len(units) != 2 || skipped != 1 {
		t.Fatalf("%d units and %d skipped, want 2, and the one before the key frame skipped", len(units), skipped)
	}
	first, second := units[0], units[1]
	if !first.key || first.width != 640 || first.height != 360 || len(first.nals) != 3 || first.size != len(sps360p)+4+3002 {
		t.Errorf("key frame: %dx%d, %d NAL units, %d bytes, key %v", first.width, first.height, len(first.nals), first.size, first.key)
	}
	if second.key || second.sps != nil || !second.at.Equal(arrivals[len(arrivals)-1].at) {
		t.Errorf("second unit: key %v, arrived at %v", second.key, second.at)
	}
}

func TestNothingIsTakenBetweenALossAndTheNextKeyFrame(t *testing.T) {
	a := newAssembler()
	if units, _ := assembleAll(a, packetize(t, keyUnit)); len(units) != 1 {
		t.Fatal("no key frame")
	}
	a.reset()
	if units, skipped := assembleAll(a, packetize(t, nextUnit, nextUnit)); len(units) != 0 || skipped != 2 {
		t.Errorf("%d units and %d skipped, want 0 and 2", len(units), skipped)
	}
	if units, skipped := assembleAll(a, packetize(t, keyUnit, nextUnit)); len(units) != 2 || skipped != 0 {
		t.Errorf("%d units and %d skipped after the key frame, want 2 and 0", len(units), skipped)
	}
}

func TestKeyFrameWithoutParameterSetsIsSkipped(t *testing.T) {
	if units, skipped := assembleAll(newAssembler(), packetize(t, keyUnit[2:])); len(units) != 0 || skipped != 1 {
		t.Errorf("%d units and %d skipped, want 0 and 1", len(units), skipped)
	}
}

func TestChainCountsWhatIsMissing(t *testing.T) {
	cases := map[string]struct {
		counters []int
		want     Stats
	}{
		"in order":       {[]int{597, 598, 599, 0, 1}, Stats{}},
		"gap":            {[]int{5, 8}, Stats{LostPictures: 2}},
		"gap over end":   {[]int{598, 2}, Stats{LostPictures: 3}},
		"same again":     {[]int{5, 5, 6}, Stats{RepeatedPictures: 1}},
		"back":           {[]int{60, 61, 60, 61}, Stats{RepeatedPictures: 1}},
		"unreadable":     {[]int{5, -1, 6}, Stats{UnreadCounters: 1}},
		"unreadable gap": {[]int{5, -1, 7}, Stats{UnreadCounters: 1, LostPictures: 1}},
	}
	for name, c := range cases {
		var chain chain
		var got counters
		for _, counter := range c.counters {
			chain.check(picture.Reading{Counter: counter}, &got)
		}
		if got.stats != c.want {
			t.Errorf("%s: %+v, want %+v", name, got.stats, c.want)
		}
	}
	var chain chain
	var got counters
	chain.check(picture.Reading{Counter: 5, Camera: 1}, &got)
	chain.check(picture.Reading{Counter: 300, Camera: 2}, &got)
	if got.stats != (Stats{}) {
		t.Errorf("another camera: %+v, want nothing counted", got.stats)
	}
}

func FuzzAssembler(f *testing.F) {
	f.Add([]byte{0x7c, 0x85, 1, 2, 3}, []byte{0x7c, 0x45, 4, 5}, true)
	f.Add([]byte{0x18, 0, 2, 0x67, 1, 0, 2, 0x65, 1}, []byte{0x41}, true)
	f.Fuzz(func(_ *testing.T, first, second []byte, marker bool) {
		a := newAssembler()
		for n, payload := range [][]byte{first, second, first} {
			packet := &rtp.Packet{Header: rtp.Header{SequenceNumber: uint16(n), Marker: marker}, Payload: payload}
			a.add(arrival{packet, noon})
		}
	})
}

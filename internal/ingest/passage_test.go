package ingest_test

import (
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

// However a camera wraps its pictures, and however it marks their ends: every unit goes on as it was, in packets that fit, and the marker
// stands on the last packet of each picture and on no other.
func TestEveryUnitIsPassedOnAsItIs(t *testing.T) {
	for _, markers := range []string{"right", "missing", "on each packet", "on each slice", "on some pictures"} {
		for _, clock := range []string{"steady", "stands still"} {
			t.Run("markers "+markers+", clock "+clock, func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					f := someFilm(t)
					r := newRig(t, ingest.Options{})
					r.Begin(camera.Format{Codec: camera.H264})
					for _, row := range (habits{markers, clock}).packets(t, f) {
						for _, p := range row {
							r.Packet(p)
						}
					}
					r.Packet(camera.Packet{Payload: []byte{0x09, 0xf0}, Timestamp: 77}) // whatever comes next tells that the last is whole
					compare(t, r.screen.all(), f)
				})
			})
		}
	}
}

func compare(t tester, got []seen, want film) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d pictures became %d", len(want), len(got))
	}
	for n, p := range got {
		if !same(p.units, want[n]) {
			t.Fatalf("picture %d:\ngot  %x\nwant %x", n, p.units, want[n])
		}
	}
}

// Of a camera with right markers nothing waits for the next packet, except in the first three pictures that it ever sends.
func TestAPacketGoesOnAtOnce(t *testing.T) {
	r := newRig(t, ingest.Options{})
	key, inter := slice(0x65, true, make5(3000)), slice(0x41, true, make5(3000))
	for session := range 2 {
		r.Begin(camera.Format{Codec: camera.H264, Sets: [][]byte{sps, pps}})
		for n := range uint32(6) {
			unit := inter
			if n == 0 {
				unit = key
			}
			before := r.screen.packets
			h264.NewCutter(1000).Cut(unit, func(piece []byte, last bool) {
				r.Packet(camera.Packet{Payload: piece, Timestamp: n * 3000, Marker: last})
			})
			want := 4
			if session == 0 && n == 0 {
				want = 3 // and the last with the next picture
			}
			if session == 0 && n == 3 {
				want = 5
			}
			if got := r.screen.packets - before; got != want {
				t.Errorf("session %d, picture %d: %d packets went on, want %d", session, n, got, want)
			}
		}
	}
	if got := len(r.screen.all()); got != 12 {
		t.Errorf("%d pictures, want 12", got)
	}
}

// make5 is a body without zeros.
func make5(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 5
	}
	return b
}

// A camera whose clock stands still has many pictures nevertheless, also for the hub behind.
func TestPicturesOfOneTimestampStayApart(t *testing.T) {
	registry := prometheus.NewRegistry()
	feed := hub.New(hub.NewVectors(registry).Camera("yard"))
	r := newRig(t, ingest.Options{})

	r.Intake = ingest.New(ingest.Options{Hub: feed, Part: r.part, Metrics: ingest.NewVectors(registry).Camera("yard"), Log: zap.NewNop()})
	r.Begin(camera.Format{Codec: camera.H264, Sets: [][]byte{sps, pps}})
	for n := range 10 {
		unit := slice(0x41, true, make5(20))
		if n == 0 {
			unit = slice(0x65, true, make5(20))
		}
		r.Packet(camera.Packet{Payload: unit, Timestamp: 4711})
	}
	if got := feed.Counts().Pictures; got != 9 { // the tenth may go on
		t.Errorf("the hub saw %d pictures, want 9", got)
	}
}

func TestAnnouncedParametersReachTheHub(t *testing.T) {
	r := newRig(t, ingest.Options{})
	stream := append(append([]byte{0, 0, 0, 1}, sps...), append([]byte{0, 0, 1}, pps...)...)
	r.Begin(camera.Format{Codec: camera.H264, Sets: [][]byte{nil, stream, {0, 0, 0, 1}, {0x41, 1}}})
	if got := r.screen.begun[0]; string(got.SPS) != string(sps) || string(got.PPS) != string(pps) {
		t.Errorf("got %x", got)
	}
}

func TestWhatIsNoVideoIsCounted(t *testing.T) {
	r := newRig(t, ingest.Options{})
	r.Begin(camera.Format{Codec: camera.H264})
	for _, payload := range [][]byte{{0x79, 0, 0}, {0x1f, 1}, {0x7c, 0x05, 1}, slice(0x65, true, make5(9)), slice(0x41, true, make5(9))} {
		r.Packet(camera.Packet{Payload: payload, Timestamp: uint32(len(payload))})
	}
	if got := r.metric(t, "camera_invalid_packets_total", ""); got != 3 {
		t.Errorf("%v packets, want 3", got)
	}
}

package hub

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	sps   = []byte{0x67, 0x42, 0xc0, 0x1f}
	pps   = []byte{0x68, 0xce, 0x3c, 0x80}
	idr   = []byte{0x65, 0x88, 0x84}
	slice = []byte{0x41, 0x9a, 0x02}
)

// recorder is a taker of packets that remembers them.
type recorder struct{ packets []camera.Packet }

func (r *recorder) write(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	r.packets = append(r.packets, p)
}

func (r *recorder) contents() (all []h264.Content) {
	for _, p := range r.packets {
		all = append(all, h264.Look(p.Payload))
	}
	return all
}

func newHub(tb testing.TB) (*Hub, *recorder) {
	tb.Helper()
	h, r := New(NewVectors(prometheus.NewRegistry()).Camera("c")), &recorder{}
	h.Attach(r.write)
	h.Begin(camera.Parameters{})
	return h, r
}

// send delivers one picture, a packet for each payload, with the marker on the last.
func send(h *Hub, timestamp uint32, payloads ...[]byte) {
	for i, p := range payloads {
		h.Packet(camera.Packet{Payload: p, Timestamp: timestamp, Marker: i == len(payloads)-1})
	}
}

func equal(t *testing.T, got []h264.Content, want ...h264.Content) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("packet %d: got %v, want %v", i, got, want)
		}
	}
}

func TestANewSessionStartsWithAKeyFrameAndItsParameters(t *testing.T) {
	h, r := newHub(t)
	send(h, 1000, slice)
	send(h, 4000, sps, pps, idr)
	send(h, 7000, slice)
	equal(t, r.contents(), h264.SPS|h264.PPS, h264.IDR, h264.Slice)
}

func TestInBandParametersAreNotRepeated(t *testing.T) {
	h, r := newHub(t)
	send(h, 1000, sps, pps, idr)
	r.packets = nil
	send(h, 4000, sps, pps, idr)
	equal(t, r.contents(), h264.SPS, h264.PPS, h264.IDR)
}

func TestParametersFromTheDescriptionPrecedeEachKeyFrame(t *testing.T) {
	h, r := newHub(t)
	h.Begin(camera.Parameters{SPS: sps, PPS: pps})
	send(h, 1000, idr)
	send(h, 4000, slice)
	send(h, 7000, idr)
	equal(t, r.contents(), h264.SPS|h264.PPS, h264.IDR, h264.Slice, h264.SPS|h264.PPS, h264.IDR)
	if a, b := r.packets[3], r.packets[4]; a.Timestamp != b.Timestamp || a.Marker {
		t.Errorf("the parameter sets are not part of their picture: %+v %+v", a, b)
	}
}

func TestKeyFrameWithoutAnyParametersIsHeldBack(t *testing.T) {
	h, r := newHub(t)
	send(h, 1000, idr)
	send(h, 4000, slice)
	equal(t, r.contents())
}

func TestAnOutletStartsWithTheNextPicture(t *testing.T) {
	h, _ := newHub(t)
	h.Begin(camera.Parameters{SPS: sps, PPS: pps})
	h.Packet(camera.Packet{Payload: []byte{0x7c, 0x85, 1, 2}, Timestamp: 1000})
	late := &recorder{}
	detach := h.Attach(late.write)
	h.Packet(camera.Packet{Payload: []byte{0x7c, 0x45, 3, 4}, Timestamp: 1000, Marker: true})
	equal(t, late.contents())
	send(h, 4000, slice)
	send(h, 7000, idr)
	equal(t, late.contents(), h264.Slice, h264.SPS|h264.PPS, h264.IDR)
	detach()
	send(h, 9000, slice)
	equal(t, late.contents(), h264.Slice, h264.SPS|h264.PPS, h264.IDR)
}

func TestAChangedParameterSetIsFollowed(t *testing.T) {
	h, r := newHub(t)
	h.Begin(camera.Parameters{SPS: sps, PPS: pps})
	other := []byte{0x67, 0x64, 0x00, 0x28, 0x01}
	send(h, 1000, other, pps, idr)
	r.packets = nil
	send(h, 4000, idr)
	var got []byte
	h264.EachUnit(r.packets[0].Payload, func(u []byte) {
		if u[0]&0x1f == h264.TypeSPS {
			got = u
		}
	})
	if !bytes.Equal(got, other) {
		t.Errorf("got SPS %x, want %x", got, other)
	}
}

func TestPicturesEndAtTheMarkerOrAtANewTimestamp(t *testing.T) {
	h, _ := newHub(t)
	send(h, 1000, sps, pps, idr)
	h.Packet(camera.Packet{Payload: slice, Timestamp: 4000}) // no marker
	h.Packet(camera.Packet{Payload: slice, Timestamp: 7000, Marker: true})
	h.Packet(camera.Packet{Payload: sps, Timestamp: 8000, Marker: true}) // no picture in it
	if got := h.Counts(); got.Pictures != 3 || got.Keys != 1 || got.Packets != 6 {
		t.Errorf("got %+v", got)
	}
}

func TestTheClockOnlyGoesForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := newHub(t)
		h.Begin(camera.Parameters{SPS: sps, PPS: pps})
		next := func(timestamp uint32) uint32 {
			before := r.packets
			send(h, timestamp, idr)
			if len(r.packets) == len(before) {
				t.Fatal("the picture did not pass")
			}
			return r.packets[len(r.packets)-1].Timestamp
		}
		start := ^uint32(999) // wraps at once
		first := next(start)
		for i, step := range []struct {
			name string
			in   uint32
			want uint32
		}{
			{"a steady step over the wrap", start + 3000, 3000},
			{"a leap ahead counts as the second that passed", 1 << 30, 90_000},
			{"a step back as well", 1 << 29, 90_000},
			{"then steady again", 1<<29 + 6000, 6000},
		} {
			time.Sleep(time.Second)
			got := next(step.in)
			if got-first != step.want {
				t.Errorf("step %d, %s: advanced by %d, want %d", i, step.name, got-first, step.want)
			}
			first = got
		}
		time.Sleep(20 * time.Second)
		h.Begin(camera.Parameters{})
		if got := next(77) - first; got != 20*90_000 {
			t.Errorf("after a reconnect of 20 s: advanced by %d", got)
		}
	})
}

func TestAgeGrowsOnlyWithoutCompletePictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := newHub(t)
		time.Sleep(3 * time.Second)
		send(h, 1000, sps, pps, idr)
		time.Sleep(2 * time.Second)
		h.Packet(camera.Packet{Payload: slice, Timestamp: 4000}) // bytes are not video: the picture never ends
		if got := h.Age(); got != 2*time.Second {
			t.Errorf("got %v, want 2s", got)
		}
	})
}

func BenchmarkPacket(b *testing.B) {
	h := New(NewVectors(prometheus.NewRegistry()).Camera("c"))
	h.Begin(camera.Parameters{SPS: sps, PPS: pps})
	var bytes int
	h.Attach(func(p camera.Packet) { bytes += len(p.Payload) })
	send(h, 0, idr)
	payload := append([]byte{0x7c, 0x01}, make([]byte, 1100)...)
	b.ReportAllocs()
	b.SetBytes(int64(len(payload)))
	for i := 0; b.Loop(); i++ {
		h.Packet(camera.Packet{Payload: payload, Timestamp: uint32(i/16) * 3000, Marker: i%16 == 15})
	}
}

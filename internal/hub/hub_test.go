package hub

import (
	"bytes"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var (
	sps   = []byte{0x67, 0x42, 0xc0, 0x1f}
	pps   = []byte{0x68, 0xce, 0x3c, 0x80}
	idr   = []byte{0x65, 0x88, 0x84}
	slice = []byte{0x41, 0x9a, 0x02}
)

// recorder is a taker of packets that remembers them, and when they came.
type recorder struct {
	mu      sync.Mutex
	packets []camera.Packet
	times   []time.Time
}

func (r *recorder) write(p camera.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.Payload = bytes.Clone(p.Payload)
	r.packets = append(r.packets, p)
	r.times = append(r.times, time.Now())
}

// took returns what came since it was asked last, once all goroutines of the bubble are at rest.
func (r *recorder) took() []camera.Packet {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	all := r.packets
	r.packets, r.times = nil, nil
	return all
}

func contents(packets []camera.Packet) (all []h264.Content) {
	for _, p := range packets {
		all = append(all, h264.Look(p.Payload))
	}
	return all
}

func newHub() *Hub { return New(NewVectors(prometheus.NewRegistry()).Camera("c")) }

// play runs a test in a bubble, on a hub with one outlet whose camera has begun a session.
func play(t *testing.T, test func(t *testing.T, h *Hub, r *recorder)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		h, r := newHub(), &recorder{}
		defer h.Attach(r.write)()
		h.Begin(camera.Parameters{})
		test(t, h, r)
	})
}

// send delivers one picture, a packet for each payload, with the marker on the last.
func send(h *Hub, timestamp uint32, payloads ...[]byte) {
	for i, p := range payloads {
		h.Packet(camera.Packet{Payload: p, Timestamp: timestamp, Marker: i == len(payloads)-1})
	}
}

func equal(t *testing.T, packets []camera.Packet, want ...h264.Content) {
	t.Helper()
	got := contents(packets)
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
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		send(h, 1000, slice)
		send(h, 4000, sps, pps, idr)
		send(h, 7000, slice)
		equal(t, r.took(), h264.SPS, h264.PPS, h264.IDR, h264.Slice)
	})
}

func TestInBandParametersAreNotRepeated(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		send(h, 1000, sps, pps, idr)
		r.took()
		send(h, 4000, sps, pps, idr)
		equal(t, r.took(), h264.SPS, h264.PPS, h264.IDR)
	})
}

func TestParametersFromTheDescriptionPrecedeEachKeyFrame(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		h.Begin(camera.Parameters{SPS: sps, PPS: pps})
		send(h, 1000, idr)
		send(h, 4000, slice)
		send(h, 7000, idr)
		packets := r.took()
		equal(t, packets, h264.SPS|h264.PPS, h264.IDR, h264.Slice, h264.SPS|h264.PPS, h264.IDR)
		if a, b := packets[3], packets[4]; a.Timestamp != b.Timestamp || a.Marker {
			t.Errorf("the parameter sets are not part of their picture: %+v %+v", a, b)
		}
	})
}

func TestParameterSetsThatEndTheirPictureBelongToTheNext(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		send(h, 1000, sps)
		send(h, 1000, pps)
		send(h, 1000, idr)
		packets := r.took()
		equal(t, packets, h264.SPS, h264.PPS, h264.IDR)
		if packets[0].Timestamp != packets[2].Timestamp {
			t.Error("they have a timestamp of their own")
		}
	})
}

func TestKeyFrameWithoutAnyParametersIsHeldBack(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		send(h, 1000, idr, idr)
		send(h, 4000, slice)
		equal(t, r.took())
		send(h, 7000, sps, pps, idr)
		r.took()
		h.parameters = camera.Parameters{}
		send(h, 10_000, idr, idr)
		send(h, 13_000, slice)
		time.Sleep(time.Second)
		send(h, 16_000, slice)
		h.Refresh()
		send(h, 19_000, slice)
		equal(t, r.took()) // nor is the group before it sent again
		if got := testutil.ToFloat64(h.metrics.undecodable); got != 2 {
			t.Errorf("counted %v", got)
		}
	})
}

func TestWithoutAGroupAnOutletStartsWithTheNextPicture(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, first *recorder) {
		h.Begin(camera.Parameters{SPS: sps, PPS: pps})
		h.Packet(camera.Packet{Payload: []byte{0x7c, 0x81, 1, 2}, Timestamp: 1000})
		late := &recorder{}
		detach := h.Attach(late.write)
		h.Packet(camera.Packet{Payload: []byte{0x7c, 0x41, 3, 4}, Timestamp: 1000, Marker: true})
		equal(t, late.took())
		send(h, 4000, slice)
		send(h, 7000, idr)
		equal(t, late.took(), h264.Slice, h264.SPS|h264.PPS, h264.IDR)
		detach()
		send(h, 9000, slice)
		equal(t, late.took())
		equal(t, first.took())
	})
}

func TestAChangedParameterSetIsFollowedAndTold(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		var told [][]byte
		h.OnChange = func(before, after []byte) { told = append(told, before, after) }
		h.Begin(camera.Parameters{SPS: sps, PPS: pps})
		other := []byte{0x67, 0x64, 0x00, 0x28, 0x01}
		send(h, 1000, other, pps, idr)
		r.took()
		send(h, 4000, idr)
		var got []byte
		h264.EachUnit(r.took()[0].Payload, func(u []byte) {
			if u[0]&0x1f == h264.TypeSPS {
				got = u
			}
		})
		if !bytes.Equal(got, other) {
			t.Errorf("got SPS %x, want %x", got, other)
		}
		if len(told) != 2 || !bytes.Equal(told[0], sps) || !bytes.Equal(told[1], other) {
			t.Errorf("told %x", told)
		}
	})
}

// Cameras exist whose description has another set than their video, and some whose video has several. Neither is a change: the room would
// be left and entered again for nothing, at each session or key frame.
func TestSetsThatNoKeyFrameComesUnderAreNoChange(t *testing.T) {
	h := newHub()
	told := 0
	h.OnChange = func(before, after []byte) { told++ }
	announced, other := []byte{0x67, 0x64, 0x00, 0x28, 0x01}, []byte{0x67, 0x42, 0x00, 0x1e, 0x02}
	shows := func(want []byte) {
		t.Helper()
		if got := h.Parameters().SPS; !bytes.Equal(got, want) {
			t.Errorf("shows SPS %x, want %x", got, want)
		}
	}
	for session := range uint32(3) {
		h.Begin(camera.Parameters{SPS: announced, PPS: pps})
		if session == 0 {
			shows(announced)
		} else {
			shows(sps)
		}
		for picture := range uint32(3) {
			send(h, session<<20+picture*3000, other, sps, pps, idr)
			shows(sps)
		}
	}
	if told != 1 {
		t.Errorf("told of %d changes, want the one from what was announced first", told)
	}
}

func TestPicturesEndAtTheMarkerOrAtANewTimestamp(t *testing.T) {
	h := newHub()
	send(h, 1000, sps, pps, idr)
	h.Packet(camera.Packet{Payload: slice, Timestamp: 4000}) // no marker
	h.Packet(camera.Packet{Payload: slice, Timestamp: 7000, Marker: true})
	h.Packet(camera.Packet{Payload: sps, Timestamp: 8000, Marker: true}) // no picture in it
	if got := h.Counts(); got.Pictures != 3 || got.Keys != 1 || got.Packets != 6 {
		t.Errorf("got %+v", got)
	}
}

func TestTheClockOnlyGoesForward(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		h.Begin(camera.Parameters{SPS: sps, PPS: pps})
		next := func(timestamp uint32) uint32 {
			send(h, timestamp, idr)
			packets := r.took()
			if len(packets) == 0 {
				t.Fatal("the picture did not pass")
			}
			return packets[len(packets)-1].Timestamp
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
			{"standing still counts as the second that passed", 1<<29 + 6000, 90_000},
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
	play(t, func(t *testing.T, h *Hub, _ *recorder) {
		time.Sleep(3 * time.Second)
		send(h, 1000, sps, pps, idr)
		time.Sleep(2 * time.Second)
		h.Packet(camera.Packet{Payload: slice, Timestamp: 4000}) // bytes are not video: the picture never ends
		if got := h.Age(); got != 2*time.Second {
			t.Errorf("got %v, want 2s", got)
		}
	})
}

package hub

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// stream is a byte stream of units.
func stream(units ...[]byte) (all []byte) {
	for _, u := range units {
		all = append(append(all, 0, 0, 0, 1), u...)
	}
	return all
}

// expect fails where a key frame is another than the one of these units that began to arrive so long ago.
func expect(t *testing.T, got KeyFrame, ago time.Duration, units ...[]byte) {
	t.Helper()
	if !bytes.Equal(got.Data, stream(units...)) || len(units) > 0 && time.Since(got.Time) != ago {
		t.Errorf("got %x of %v ago, want %x of %v ago", got.Data, time.Since(got.Time), stream(units...), ago)
	}
}

func TestAKeyFrameCanBeDecodedAlone(t *testing.T) {
	both := h264.Aggregate(nil, camera.MaxPayload, sps, pps)
	fragments := [][]byte{{0x7c, 0x85, 1, 2}, {0x7c, 0x05, 3}, {0x7c, 0x45, 4, 5}}
	for name, test := range map[string]struct {
		payloads [][]byte
		want     [][]byte
	}{
		"sets in the video":       {[][]byte{sps, pps, idr}, [][]byte{sps, pps, idr}},
		"sets in one packet":      {[][]byte{both, idr}, [][]byte{sps, pps, idr}},
		"sets only described":     {[][]byte{idr, idr}, [][]byte{sps, pps, idr, idr}},
		"fragments":               {fragments, [][]byte{sps, pps, {0x65, 1, 2, 3, 4, 5}}},
		"something else in front": {[][]byte{{0x09, 0x10}, idr}, [][]byte{{0x09, 0x10}, sps, pps, idr}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub()
				h.Begin(camera.Parameters{SPS: sps, PPS: pps})
				expect(t, h.Nearer(KeyFrame{}, time.Now()), 0)
				send(h, 1000, test.payloads...)
				time.Sleep(time.Second)
				send(h, 91_000, slice)
				expect(t, h.Nearer(KeyFrame{}, time.Now()), time.Second, test.want...)
			})
		})
	}
}

func TestTheNearestOfTwoKeyFrames(t *testing.T) {
	for pause, wantSecond := range map[time.Duration]bool{200 * time.Millisecond: true, 900 * time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			h := newHub()
			send(h, 1000, sps, pps, idr, []byte{0x65, 1})
			time.Sleep(500 * time.Millisecond)
			asked := time.Now()
			held := h.Nearer(KeyFrame{}, asked)
			time.Sleep(pause)
			send(h, 91_000, sps, pps, idr, []byte{0x65, 2})
			if got := h.Nearer(held, asked); bytes.HasSuffix(got.Data, []byte{0x65, 2}) != wantSecond {
				t.Errorf("%v after the question: got %x", pause, got.Data)
			}
		})
	}
}

func TestAKeyFrameThatIsStillArrivingIsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		send(h, 1000, sps, pps, idr)
		h.Nearer(KeyFrame{}, time.Now())
		time.Sleep(time.Second)
		h.Packet(camera.Packet{Payload: sps, Timestamp: 91_000})
		h.Packet(camera.Packet{Payload: pps, Timestamp: 91_000})
		h.Packet(camera.Packet{Payload: idr, Timestamp: 91_000})
		expect(t, h.Nearer(KeyFrame{}, time.Now()), time.Second, sps, pps, idr)
		h.Interrupt() // it never becomes whole
		expect(t, h.Nearer(KeyFrame{}, time.Now()), time.Second, sps, pps, idr)
	})
}

// Cameras with "smart codecs" have groups of pictures that last for minutes and are not kept, and on some networks each is cut short by a loss.
func TestAKeyFrameOutlivesItsGroup(t *testing.T) {
	for name, end := range map[string]func(h *Hub){
		"too long": func(h *Hub) {
			for at := range uint32(20) {
				time.Sleep(time.Second)
				send(h, 91_000+at*90_000, slice)
			}
		},
		"too large": func(h *Hub) {
			for at := range uint32(19) {
				time.Sleep(time.Second)
				send(h, 91_000+at*45_000, slices.Repeat([][]byte{slices.Concat(slice, make([]byte, 1100))}, 500)...)
			}
			time.Sleep(time.Second)
		},
		"cut short": func(h *Hub) {
			time.Sleep(20 * time.Second)
			h.Interrupt()
		},
		"a new session": func(h *Hub) {
			time.Sleep(20 * time.Second)
			h.Begin(camera.Parameters{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub()
				h.Nearer(KeyFrame{}, time.Now())
				send(h, 1000, sps, pps, idr)
				end(h)
				if h.gop.kept {
					t.Error("the group is still there")
				}
				expect(t, h.Nearer(KeyFrame{}, time.Now()), 20*time.Second, sps, pps, idr)
			})
		})
	}
}

func TestNobodyPaysForKeyFramesThatNobodyWants(t *testing.T) {
	h := newHub()
	send(h, 1000, sps, pps, idr)
	h.Interrupt()
	if h.still.frame.Data != nil {
		t.Error("it was put together")
	}
}

package hub

import (
	"testing"
	"testing/synctest"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// An outlet never gets a marker for a picture of which something is missing, and after it the next key frame.
func TestAnInterruptedPictureIsFollowedByAKeyFrame(t *testing.T) {
	play(t, func(t *testing.T, h *Hub, r *recorder) {
		send(h, 1000, sps, pps, idr)
		equal(t, r.took(), h264.SPS, h264.PPS, h264.IDR)
		h.Packet(camera.Packet{Payload: slice, Timestamp: 4000})
		h.Interrupt()
		send(h, 7000, slice) // whoever interrupts does not send it; should it come, it helps nobody
		send(h, 10_000, sps, pps, idr)
		got := r.took()
		equal(t, got, h264.Slice, h264.SPS, h264.PPS, h264.IDR)
		for i, p := range got {
			if want := i == 3; p.Marker != want {
				t.Errorf("packet %d: marker %v", i, p.Marker)
			}
		}
		if got := h.Counts().Pictures; got != 3 {
			t.Errorf("%d complete pictures, want 3", got)
		}
	})
}

// The group of a picture that was interrupted is not sent to an outlet that comes later.
func TestAnInterruptedGroupIsNotReplayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, r := newHub(), &recorder{}
		h.Begin(camera.Parameters{})
		send(h, 1000, sps, pps, idr)
		h.Packet(camera.Packet{Payload: slice, Timestamp: 4000})
		h.Interrupt()
		defer h.Attach(r.write)()
		equal(t, r.took())
		send(h, 7000, sps, pps, idr)
		equal(t, r.took(), h264.SPS, h264.PPS, h264.IDR)
	})
}

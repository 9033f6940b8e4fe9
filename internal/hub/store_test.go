package hub

import (
	"testing"
	"testing/synctest"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

func TestASteadyStreamAllocatesNothing(t *testing.T) {
	h := newHub()
	h.Begin(camera.Parameters{SPS: sps, PPS: pps})
	inter, intra := append([]byte{0x41}, make([]byte, 1100)...), append([]byte{0x65}, make([]byte, 1100)...)
	timestamp := uint32(0)
	group := func() {
		for n := range 600 {
			payload := inter
			if n < 20 {
				payload = intra
			}
			h.Packet(camera.Packet{Payload: payload, Timestamp: timestamp, Marker: n%20 == 19})
			if n%20 == 19 {
				timestamp += 3000
			}
		}
	}
	group()
	group()
	if got := testing.AllocsPerRun(20, group); got != 0 {
		t.Errorf("%v allocations in a group of 600 packets", got)
	}
}

func TestMemoryFollowsTheGroups(t *testing.T) {
	stage(t, func(t *testing.T, f *film) {
		defer f.h.Attach(func(camera.Packet) {})()
		memory := func() int {
			synctest.Wait()
			return (len(f.h.store.slabs) + len(f.h.store.free)) * 64
		}
		f.shoot(300)
		if got := memory(); got < 4500 || got > 5300 {
			t.Errorf("%d KiB for a group of 4.7 MB", got)
		}
		f.gop = 30
		f.shoot(90)
		if got := memory(); got > 1100 {
			t.Errorf("%d KiB for groups of 0.75 MB", got)
		}
	})
}

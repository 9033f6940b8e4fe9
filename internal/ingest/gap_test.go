package ingest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"pgregory.net/rapid"
)

// Whatever is lost: what goes on as a whole picture is one, and each refers only to pictures that went on as well.
func TestNothingDamagedIsPassedOn(t *testing.T) {
	for _, clock := range []string{"steady", "stands still"} {
		t.Run("clock "+clock, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				f := someFilm(t)
				r := newRig(t, ingest.Options{})
				r.Begin(camera.Format{Codec: camera.H264})
				missing := 0
				hit := make([]bool, len(f)) // pictures of which a packet was lost
				for n, row := range (habits{"right", clock}).packets(t, f) {
					for _, p := range row {
						if rapid.IntRange(0, 9).Draw(t, "lost") == 0 {
							missing++
							hit[n] = true
							continue
						}
						p.Lost, missing = missing, 0
						r.Packet(p)
					}
				}
				r.Packet(camera.Packet{Payload: []byte{0x09, 0xf0}, Timestamp: 77, Lost: missing})
				checkUndamaged(t, r, f, hit)
			})
		})
	}
}

func checkUndamaged(t *rapid.T, r *rig, f film, hit []bool) {
	next := 0 // the oldest picture that may come
	before := -1
	for _, p := range r.screen.all() {
		n := next + slices.IndexFunc(f[next:], func(units [][]byte) bool { return holds(units, p.units) })
		if n < next {
			t.Fatalf("no such picture: %x", p.units)
		}
		if !p.content().Has(h264.IDR) && before != n-1 {
			t.Fatalf("picture %d was passed on, and the one before was not", n)
		}
		before, next = n, n+1
	}
	// After a key frame that came whole, and whose beginning was recognized, nothing is left out without need.
	for n, was := range hit {
		const distrusted = 3 // pictures whose markers count for nothing: the last packet is only whole if the next is there
		if was || n < distrusted && n+1 < len(hit) && hit[n+1] {
			return
		}
		if n < len(f)-1 && (n >= len(r.screen.all()) || !same(r.screen.all()[n].units, f[n])) {
			t.Fatalf("picture %d is missing although nothing was lost before", n)
		}
	}
}

// holds tells whether a picture is whole. What stands before the slices of a key frame may be missing where a gap ends: the hub knows its parameter sets.
func holds(units, got [][]byte) bool {
	for len(units) > len(got) && h264.Look(units[0]).Has(h264.AUD|h264.SEI|h264.SPS|h264.PPS) {
		units = units[1:]
	}
	return same(units, got)
}

// sends delivers one picture.
func (r *rig) sends(timestamp uint32, lost int, payloads ...[]byte) {
	for i, payload := range payloads {
		r.Packet(camera.Packet{Payload: payload, Timestamp: timestamp, Marker: i == len(payloads)-1, Lost: lost})
		lost = 0
	}
}

func TestAfterALossNothingComesUpToTheNextKeyFrame(t *testing.T) {
	key, first, second := slice(0x65, true, make5(9)), slice(0x41, true, make5(9)), slice(0x41, false, make5(9))
	for name, tc := range map[string]struct {
		after    [][][]byte // the pictures that follow the loss
		broken   int        // interruptions
		pictures int        // that went on, of those
		dropped  float64
	}{
		"a slice of this picture":   {[][][]byte{{second}, {first}, {sps, pps, key}, {first}, {first}}, 1, 2, 2},
		"a key frame alone":         {[][][]byte{{second}, {key}, {first}, {first}}, 1, 2, 1},
		"sets before no key frame":  {[][][]byte{{second}, {sps, pps, first}, {first}, {key}, {first}, {first}}, 2, 2, 3},
		"the middle of a key frame": {[][][]byte{{{0x7c, 0x05, 7}, {0x7c, 0x45, 7}}, {first}, {key}, {first}, {first}}, 1, 2, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, ingest.Options{})
			r.Begin(camera.Format{Codec: camera.H264})
			r.sends(0, 0, sps, pps, key)
			for n := range uint32(3) {
				r.sends(n*3000+3000, 0, first)
			}
			r.Packet(camera.Packet{Payload: first, Timestamp: 12_000})
			before := len(r.screen.all())
			for n, payloads := range tc.after {
				lost := 0
				if n == 0 {
					lost = 2
				}
				r.sends(12_000+uint32(n)*3000, lost, payloads...)
			}
			got := r.screen.all()[before:]
			if len(got) != tc.pictures+1 && len(got) != tc.pictures {
				t.Errorf("%d pictures went on, want %d", len(got), tc.pictures)
			}
			if len(got) > 0 && !got[0].content().Has(h264.IDR) {
				t.Error("the first is no key frame")
			}
			if r.screen.broken != tc.broken {
				t.Errorf("%d interruptions, want %d", r.screen.broken, tc.broken)
			}
			if got := r.metric(t, "camera_frames_dropped_total", "lost"); got != tc.dropped {
				t.Errorf("%v pictures dropped, want %v", got, tc.dropped)
			}
		})
	}
}

// What was whole before the loss stays whole: the hub may go on sending it again.
func TestALossBetweenPicturesInterruptsNone(t *testing.T) {
	r := newRig(t, ingest.Options{})
	r.Begin(camera.Format{Codec: camera.H264})
	r.sends(0, 0, sps, pps, slice(0x65, true, make5(9)))
	for n := range uint32(5) {
		r.sends(n*3000+3000, 0, slice(0x41, true, make5(9)))
	}
	r.sends(60_000, 7, slice(0x41, true, make5(9)))
	if len(r.screen.all()) != 6 || r.screen.broken != 0 {
		t.Errorf("%d pictures and %d interruptions, want 6 and none", len(r.screen.all()), r.screen.broken)
	}
}

func TestLossesAreToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ingest.Options{})
		r.Begin(camera.Format{Codec: camera.H264})
		for n := range uint32(180) {
			r.sends(n*90_000, int(n%2), sps, pps, slice(0x65, true, make5(9)))
			r.sends(n*90_000+3000, 1, slice(0x41, true, make5(9)))
			time.Sleep(time.Second)
		}
		told := r.logs.FilterMessage("pictures left out up to a key frame").All()
		if len(told) != 3 {
			t.Fatalf("told %d times in three minutes, want 3", len(told))
		}
		if sum := r.metric(t, "camera_frames_dropped_total", "lost"); sum < 180 {
			t.Errorf("%v pictures were counted", sum)
		}
		if told[1].ContextMap()["reason"] != "lost" || told[1].ContextMap()["pictures"].(int64) < 60 {
			t.Errorf("it says %v", told[1].ContextMap())
		}
	})
}

package livekit

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// goal is how soon after its track is subscribed the first picture should be there, however far away the camera's next key frame is.
const goal = 500 * time.Millisecond

// TestAViewerDoesNotWaitForTheCamerasNextKeyFrame has viewers come, and then a publisher, at any point of a group of ten seconds.
func TestAViewerDoesNotWaitForTheCamerasNextKeyFrame(t *testing.T) {
	room := startSFU(t, "")
	footage := shoot(t, "1280x720", group+1)
	anywhere := int64(30 + rand.N(3*rate))

	t.Run("when it comes", func(t *testing.T) {
		room := room.in(t)
		s := newSet(t, room.grant("camera"))
		s.show(footage)
		s.publish()
		for i, name := range []string{"one", "another"} {
			s.wait(anywhere + 60*int64(i))
			began := time.Now()
			s.wantFirstPicture(footage[0], room.view(name), began)
		}
	})
	t.Run("when the publisher comes", func(t *testing.T) {
		room := room.in(t)
		sights := room.view("viewer")
		s := newSet(t, room.grant("camera"))
		s.show(footage)
		s.wait(anywhere)
		began := time.Now()
		s.publish()
		s.wantFirstPicture(footage[0], sights, began)
	})
}

// wantFirstPicture waits for the first picture and checks that it is the camera's newest key frame, bit by bit. Somebody began to join then.
func (s *set) wantFirstPicture(key [][]byte, sights <-chan sight, began time.Time) {
	s.t.Helper()
	came := s.shown.Load()
	select {
	case first := <-sights:
		if n := s.keys.Load(); n != 1 {
			s.t.Errorf("it waited for key frame %d of the camera", n)
		}
		if !slices.EqualFunc(first.units, key, bytes.Equal) {
			s.t.Errorf("the first picture is not the camera's: %d units, want %d", len(first.units), len(key))
		}
		if first.track.GetWidth() != 1280 || first.track.GetHeight() != 720 {
			s.t.Errorf("the track is announced as %dx%d", first.track.GetWidth(), first.track.GetHeight())
		}
		s.t.Logf("%.1f s into a group of 10 s: first picture %v after the track was subscribed (goal: %v), %v after the join began",
			float64(came)/rate, first.complete.Sub(first.subscribed).Round(time.Millisecond), goal, first.complete.Sub(began).Round(time.Millisecond))
	case <-time.After(patience):
		s.t.Fatal("no picture")
	}
}

func TestANewSizeIsAnnouncedInTheSameRoom(t *testing.T) {
	room := startSFU(t, "")
	before, after := shoot(t, "640x360", 90), shoot(t, "1280x720", group)
	sights := room.view("viewer")
	s := newSet(t, room.grant("camera"))
	s.show(before, after)
	s.publish()
	for _, want := range []struct {
		width uint32
		key   [][]byte
	}{{640, before[0]}, {1280, after[0]}} {
		select {
		case first := <-sights:
			if first.track.GetWidth() != want.width || !slices.EqualFunc(first.units, want.key, bytes.Equal) {
				t.Errorf("announced %d pixels wide with %d units, want %d with %d", first.track.GetWidth(), len(first.units), want.width, len(want.key))
			}
		case <-time.After(patience):
			t.Fatalf("no picture %d pixels wide", want.width)
		}
	}
	if s.loop.Stay() != 2 {
		t.Errorf("stay %d", s.loop.Stay())
	}
}

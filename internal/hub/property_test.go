package hub

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"pgregory.net/rapid"
)

// act is one thing that happens to a hub.
type act struct {
	Kind     string
	Pictures int           // "shoot"
	Late     bool          // "begin": the session does not begin with a key frame
	Pause    time.Duration // "slow": what each packet takes; "dark": how long nothing comes
}

var acts = rapid.Custom(func(t *rapid.T) act {
	a := act{Kind: rapid.SampledFrom([]string{"shoot", "shoot", "shoot", "refresh", "half", "attach", "detach", "slow", "quick", "dark", "begin"}).Draw(t, "kind")}
	switch a.Kind {
	case "shoot":
		a.Pictures = rapid.IntRange(1, 80).Draw(t, "pictures")
	case "begin":
		a.Late = rapid.Bool().Draw(t, "late")
	case "slow":
		a.Pause = rapid.SampledFrom([]time.Duration{time.Millisecond, 20 * time.Millisecond, 150 * time.Millisecond, 3 * time.Second}).Draw(t, "pause")
	case "dark":
		a.Pause = time.Duration(rapid.IntRange(1, 5000).Draw(t, "pause")) * time.Millisecond
	}
	return a
})

// scene is a film, an outlet, and the outlets before it.
type scene struct {
	*film
	out    *slow
	detach func()
	early  bool // there was no group when it was attached, so it may get what nobody can decode
	pause  time.Duration
	err    error
}

func (s *scene) attach() {
	s.release()
	s.h.mu.Lock()
	s.early = !s.h.gop.kept
	s.h.mu.Unlock()
	s.out = &slow{pause: s.pause}
	s.detach = s.h.Attach(s.out.write)
}

// release detaches the outlet and judges what it got.
func (s *scene) release() {
	if s.out == nil {
		return
	}
	s.detach()
	s.out.set(0)
	time.Sleep(5 * time.Second) // the write that hung
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	shots, err := s.view(s.out.packets, s.out.times)
	s.err = errors.Join(s.err, err, s.judge(shots, s.early))
	s.out = nil
}

// half sends a picture with a request in the middle.
func (s *scene) half() {
	payloads := s.begin()
	for i, p := range payloads {
		if i == len(payloads)/2 {
			s.h.Refresh()
		}
		s.h.Packet(camera.Packet{Payload: p, Timestamp: s.timestamp, Marker: i == len(payloads)-1})
	}
}

func (s *scene) do(a act) {
	switch a.Kind {
	case "shoot":
		s.shoot(a.Pictures)
	case "half":
		s.half()
	case "refresh":
		s.h.Refresh()
	case "attach":
		s.attach()
	case "detach":
		s.release()
	case "slow", "quick":
		if s.pause = a.Pause; s.out != nil {
			s.out.set(s.pause)
		}
	case "dark":
		time.Sleep(a.Pause)
	case "begin":
		s.cut = !a.Late
		s.newSession()
	}
	s.h.mu.Lock()
	defer s.h.mu.Unlock()
	if n := len(s.h.store.slabs) + len(s.h.store.free); n > maxSlabs {
		s.err = errors.Join(s.err, fmt.Errorf("%d slabs after %v", n, a))
	}
}

// Whatever happens, each picture an outlet gets is the camera's, whole and byte by byte; it is a key frame or follows the one that it
// refers to; timestamps go forward; and the memory stays within its bounds.
func TestWhateverHappensAnOutletCanDecode(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		gop, size := rapid.SampledFrom([]int{1, 10, 60, 300, 0}).Draw(rt, "gop"), rapid.SampledFrom([]int{9, 300, 1200}).Draw(rt, "size")
		packets, keys := rapid.IntRange(1, 40).Draw(rt, "packets"), rapid.IntRange(1, 300).Draw(rt, "keys")
		steps := rapid.SliceOfN(acts, 1, 25).Draw(rt, "acts")
		var err error
		synctest.Test(t, func(*testing.T) {
			f := newFilm(newHub())
			f.gop, f.size, f.packets, f.keys = gop, size, packets, keys
			f.timestamp = ^uint32(0) - 300_000
			s := &scene{film: f}
			f.h.Begin(camera.Parameters{})
			for _, a := range steps {
				s.do(a)
			}
			s.shoot(100)
			s.release()
			err = s.err
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}

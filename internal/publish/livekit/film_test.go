package livekit

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// film is what a camera has to show: pictures by x264, as NAL units.
type film [][][]byte

const (
	rate  = 30  // pictures a second
	group = 300 // pictures from one key frame to the next
)

// shoot makes a film of 4 Mbit/s.
func shoot(t *testing.T, size string, pictures int) film {
	t.Helper()
	raw, err := exec.Command("ffmpeg", "-v", "error", "-f", "lavfi", "-i", fmt.Sprintf("testsrc2=size=%s:rate=%d,noise=alls=10:allf=t", size, rate),
		"-frames:v", fmt.Sprint(pictures), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "main", "-bf", "0",
		"-g", fmt.Sprint(group), "-sc_threshold", "0", "-b:v", "4M", "-maxrate", "4M", "-bufsize", "4M", "-x264-params", "slices=1:aud=1", "-f", "h264", "-").Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	var f film
	h264.EachAnnexB(raw, func(unit []byte) {
		const delimiter = 9
		if unit[0]&0x1f == delimiter {
			f = append(f, nil)
			return
		}
		f[len(f)-1] = append(f[len(f)-1], unit)
	})
	if len(f) != pictures {
		t.Fatalf("%d pictures, want %d", len(f), pictures)
	}
	return f
}

func isKey(picture [][]byte) bool {
	return slices.ContainsFunc(picture, func(unit []byte) bool { return h264.Look(unit).Has(h264.IDR) })
}

// A set is a camera that shows films, with all that stands between it and its room.
type set struct {
	t     *testing.T
	feed  *hub.Hub
	loop  *publish.Loop
	grant overshoot.Grant

	timestamp uint32
	shown     atomic.Int64 // pictures
	keys      atomic.Int64 // those of them that were key frames
}

func newSet(t *testing.T, grant overshoot.Grant) *set {
	reg := prometheus.NewRegistry()
	metrics := publish.NewVectors(reg).Camera("front")
	s := &set{t: t, feed: hub.New(hub.NewVectors(reg).Camera("front")), grant: grant}
	s.loop = &publish.Loop{
		Publisher: &Publisher{Metrics: metrics, Scrub: func(text string) string { return text }},
		Attach:    s.feed.Attach, Refresh: s.feed.Refresh, Parameters: s.feed.Parameters,
		Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("front", publish.Kind), Metrics: metrics, Log: zap.NewNop(),
	}
	s.feed.OnChange = func(_, _ []byte) { s.loop.Changed() }
	s.feed.Begin(camera.Parameters{})
	return s
}

// Grant and Renew are those of a lease that lasts.
func (s *set) Grant() overshoot.Grant      { return s.grant }
func (s *set) Renew(context.Context) error { return nil }

// background runs f until the test ends.
func background(t *testing.T, f func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// publish keeps the camera in its room until the test ends, and returns when it is there.
func (s *set) publish() {
	s.t.Helper()
	background(s.t, func(ctx context.Context) {
		if err := s.loop.Run(ctx, s); err != nil {
			s.t.Errorf("publishing: %v", err)
		}
	})
	eventually(s.t, "the camera is in its room", func() bool { return s.loop.Stay() > 0 })
}

// show shows films one after the other, as fast as a camera does, until the test ends.
func (s *set) show(films ...film) {
	background(s.t, func(ctx context.Context) {
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		for _, f := range films {
			for _, picture := range f {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
				}
				s.picture(picture)
			}
		}
	})
}

func (s *set) picture(units [][]byte) {
	if isKey(units) {
		s.keys.Add(1)
	}
	cutter := h264.NewCutter(camera.MaxPayload)
	s.timestamp += 90_000 / rate
	for i, unit := range units {
		cutter.Cut(unit, func(part []byte, last bool) {
			s.feed.Packet(camera.Packet{Payload: part, Timestamp: s.timestamp, Marker: last && i == len(units)-1})
		})
	}
	s.shown.Add(1)
}

// wait returns when so many pictures were shown.
func (s *set) wait(pictures int64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d pictures are shown", pictures), func() bool { return s.shown.Load() >= pictures })
}

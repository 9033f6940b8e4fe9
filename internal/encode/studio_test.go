package encode_test

import (
	"context"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// A studio is an encoder of which a test decides how it fails. It knows one picture, which it gives for every other: a key frame, made by ffmpeg.
type studio struct {
	name  string
	class encode.Class
	takes func(encode.Job) error

	spoil   func(ctx context.Context, number int) // before each picture of a camera, not of a trial; may be nil
	clock   encode.ThreadClock
	trials  atomic.Int32
	workers atomic.Int32 // that did not return yet
	asked   []bool       // for a key frame, by picture of a camera
	mu      sync.Mutex
}

var onePicture = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color=0x282828:size=640x360,drawbox=x=320:w=320:c=0xc8c8c8:t=fill",
		"-frames:v", "1", "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-f", "h264", "pipe:1").Output()
})

func (s *studio) Name() string        { return s.name }
func (s *studio) Class() encode.Class { return s.class }
func (s *studio) Takes(job encode.Job) error {
	if s.takes == nil {
		return nil
	}
	return s.takes(job)
}

func (s *studio) Encoders() []encode.Encoder { return []encode.Encoder{s} }

func (s *studio) Work(ctx context.Context, job encode.Job, desk encode.Desk) error {
	s.workers.Add(1)
	defer s.workers.Add(-1)
	defer s.clock.Start()()
	desk.Meter(s.clock.Used)
	picture, err := onePicture()
	if err != nil {
		return err
	}
	trial := job.Width == 640 && job.Bitrate == 1_000_000 // which only a trial has
	if trial {
		s.trials.Add(1)
	}
	for n := 0; ; n++ {
		f := desk.Take(ctx)
		if f == nil {
			return ctx.Err()
		}
		if !trial {
			s.mu.Lock()
			s.asked = append(s.asked, f.Force)
			s.mu.Unlock()
			if s.spoil != nil {
				s.spoil(ctx, n)
			}
		}
		desk.Emit(picture, f.Timestamp())
	}
}

// feed writes raw pictures, 50 a second, until the test ends.
func (r *rig) feed(t *testing.T) {
	t.Helper()
	r.Begin(camera.Format{Codec: camera.I420, Width: 64, Height: 48})
	stop, done := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-done })
	go func() {
		defer close(done)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := uint32(0); ; n++ {
			r.Write(encode.Picture{Units: [][]byte{make([]byte, 64*48*3/2)}, Timestamp: n * 1800})
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
}

func (r *rig) used() (names []string) {
	for _, entry := range r.logs.FilterMessage("transcoding").All() {
		names = append(names, entry.ContextMap()["encoder"].(string))
	}
	return names
}

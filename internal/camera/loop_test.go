package camera_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
)

// source is a camera whose attempts the test plays; attempt counts from 1.
type source struct {
	play func(ctx context.Context, r camera.Receiver, attempt int) error

	mu    sync.Mutex
	times []time.Time
}

// starts returns when the attempts so far began.
func (s *source) starts() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.times)
}

func (s *source) String() string { return "test://camera" }

func (s *source) Run(ctx context.Context, r camera.Receiver) error {
	s.mu.Lock()
	s.times = append(s.times, time.Now())
	attempt := len(s.times)
	s.mu.Unlock()
	return s.play(ctx, r, attempt)
}

// deliver sends a key frame at once and then every 100 ms, for d or until ctx ends.
func deliver(ctx context.Context, r camera.Receiver, d time.Duration) {
	r.Begin(camera.Format{Codec: camera.H264})
	for end, n := time.Now().Add(d), uint32(0); time.Now().Before(end) && ctx.Err() == nil; n++ {
		for i, unit := range [][]byte{{0x67, 0x42, 0xc0, 0x1f}, {0x68, 0xce, 0x3c, 0x80}, {0x65, 0x88, 0x84}} {
			r.Packet(camera.Packet{Payload: unit, Timestamp: n * 9000, Marker: i == 2})
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// chooser is a source that tells what it chose.
type chooser struct{ source }

func (*chooser) Report() camera.Report {
	return camera.Report{Facts: []camera.Fact{{Name: camera.FactMedia, Value: "much"}, {Name: camera.FactChosen, Value: "yuyv 640x480"}}}
}

func TestTheStatusShowsWhatWasChosen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &chooser{}
		c.play = func(ctx context.Context, r camera.Receiver, _ int) error {
			deliver(ctx, r, time.Hour)
			return nil
		}
		part, stop := startWith(t, c, nil)
		time.Sleep(time.Second)
		wantState(t, part, "live")
		if d := part.View().Detail; d["chosen"] != "yuyv 640x480" || len(d) != 1 {
			t.Errorf("the status shows %q", d)
		}
		stop()
	})
}

// plugged is a source whose device comes after a while.
type plugged struct {
	source
	comes time.Duration
}

func (p *plugged) Await(ctx context.Context) {
	select {
	case <-time.After(time.Until(p.starts()[0].Add(p.comes))):
	case <-ctx.Done():
	}
}

// A camera that was unplugged for a day is back at once, however long the pauses have become.
func TestADeviceThatComesIsOpenedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const comes = 24 * time.Hour
		p := &plugged{comes: comes}
		p.play = func(ctx context.Context, r camera.Receiver, _ int) error {
			if time.Since(p.starts()[0]) < comes {
				return &camera.Fault{Reason: camera.Unreachable, Err: errors.New("it is not there")}
			}
			deliver(ctx, r, time.Hour)
			return nil
		}
		_, stop := startWith(t, p, nil)
		time.Sleep(comes + time.Minute)
		stop()
		starts := p.starts()
		if late := starts[len(starts)-1].Sub(starts[0]) - comes; late < 0 || late > 150*time.Millisecond {
			t.Errorf("it was opened %v after it came", late)
		}
		if n := len(starts); n > 24*3600/10 {
			t.Errorf("%d attempts", n)
		}
	})
}

// Another program lets go of a camera, somebody gives the user its group, a loopback gets its writer: nobody tells us, so we look.
func TestADeviceThatCouldNotBeUsedIsTriedSoon(t *testing.T) {
	for _, reason := range []camera.Reason{camera.Busy, camera.Auth, camera.NotFound, camera.WrongCodec, camera.Protocol} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const better = time.Hour
				p := &plugged{}
				p.play = func(ctx context.Context, r camera.Receiver, _ int) error {
					if time.Since(p.starts()[0]) < better {
						return &camera.Fault{Reason: reason, Err: errors.New("not now")}
					}
					deliver(ctx, r, time.Hour)
					return nil
				}
				_, stop := startWith(t, p, nil)
				time.Sleep(better + 15*time.Minute)
				stop()
				starts := p.starts()
				if late := starts[len(starts)-1].Sub(starts[0]) - better; late < 0 || late > 10*time.Second {
					t.Errorf("it was opened %v after it could be", late)
				}
				if n := len(starts); n > 3600/2 {
					t.Errorf("%d attempts", n)
				}
			})
		})
	}
}

func TestADeviceThatIsThereAndCannotBeReachedKeepsNobodyBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &plugged{}
		p.play = func(context.Context, camera.Receiver, int) error {
			return &camera.Fault{Reason: camera.Unreachable, Err: errors.New("it is not there")}
		}
		_, stop := startWith(t, p, nil)
		time.Sleep(time.Minute)
		stop()
		if n := len(p.starts()); n > 601 {
			t.Errorf("%d attempts in a minute", n)
		}
	})
}

func newPart() *status.Part {
	return status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", camera.Kind)
}

// through is an intake that passes everything on.
type through struct{ *hub.Hub }

func (t through) Begin(f camera.Format) {
	var p camera.Parameters
	if len(f.Sets) == 2 {
		p = camera.Parameters{SPS: f.Sets[0], PPS: f.Sets[1]}
	}
	t.Hub.Begin(p)
}

func (t through) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// start runs a loop until the test ends it by stop, which waits for the end. synctest fails the test if a goroutine is left.
func start(t *testing.T, s *source) (part *status.Part, stop func()) { return startWith(t, s, nil) }

// startWith is told what to think of the video.
func startWith(t *testing.T, s camera.Source, video camera.Video) (part *status.Part, stop func()) {
	part = newPart()
	feed := hub.New(hub.NewVectors(prometheus.NewRegistry()).Camera("c"))
	l := &camera.Loop{
		Source: s, StallAfter: 3 * time.Second, Part: part, Intake: through{feed}, Video: feed,
		Metrics: camera.NewVectors(prometheus.NewRegistry()).Camera("c"),
	}
	if video != nil {
		l.Video = video
	}
	feed.OnLongInterval = l.Advise
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	return part, func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run returned %v", err)
		}
	}
}

func wantState(t *testing.T, part *status.Part, state string) {
	t.Helper()
	synctest.Wait()
	if got := part.View(); got.State != state {
		t.Errorf("the status is %+v, want %s", got, state)
	}
}

func TestTheWatchdogOpensAStalledCameraAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended time.Time
		s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
			if attempt == 1 {
				deliver(ctx, r, 5*time.Second)
				for ctx.Err() == nil { // bytes, but no picture
					r.Packet(camera.Packet{Payload: []byte{0x41, 1}, Timestamp: 1 << 30})
					time.Sleep(50 * time.Millisecond)
				}
				ended = time.Now()
				return ctx.Err()
			}
			deliver(ctx, r, time.Hour)
			return nil
		}}
		part, stop := start(t, s)
		time.Sleep(4 * time.Second)
		wantState(t, part, "live")
		time.Sleep(4200 * time.Millisecond)
		wantState(t, part, "live") // again, already
		if got := ended.Sub(s.starts()[0]); got < 7900*time.Millisecond || got > 7960*time.Millisecond {
			t.Errorf("closed after %v, want 3s after the last picture at 4.9s", got)
		}
		if len(s.starts()) != 2 || part.View().Error != "" {
			t.Errorf("%d attempts, status %+v", len(s.starts()), part.View())
		}
		stop()
	})
}

func TestAConnectedCameraWithoutPicturesIsNeverLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
			r.Begin(camera.Format{Codec: camera.H264})
			<-ctx.Done()
			return nil
		}}
		part, stop := start(t, s)
		time.Sleep(2900 * time.Millisecond)
		wantState(t, part, "opening")
		time.Sleep(300 * time.Millisecond)
		wantState(t, part, "failed")
		stop()
	})
}

// slowHub takes a while to tell its age, as any hub may under load.
type slowHub struct{ begun time.Time }

func (h *slowHub) Begin(camera.Format)  { h.begun = time.Now() }
func (h *slowHub) Packet(camera.Packet) {}
func (h *slowHub) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (h *slowHub) KeyAge() time.Duration { return time.Since(h.begun) }
func (h *slowHub) KeyGap() time.Duration { return 0 }

func (h *slowHub) PictureAge() time.Duration {
	age := time.Since(h.begun)
	time.Sleep(time.Millisecond)
	return age
}

func TestSlownessIsNoPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part := status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", camera.Kind)
		h := &slowHub{}
		l := &camera.Loop{
			Source: &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
				r.Begin(camera.Format{Codec: camera.H264})
				<-ctx.Done()
				return nil
			}},
			Intake: h, Video: h, StallAfter: time.Minute, Part: part, Metrics: camera.NewVectors(prometheus.NewRegistry()).Camera("c"),
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_ = l.Run(ctx)
		wantState(t, part, "opening")
	})
}

func TestConnectingIsNotWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, _ int) error {
			time.Sleep(9 * time.Second)
			deliver(ctx, r, time.Hour)
			return nil
		}}
		part, stop := start(t, s)
		time.Sleep(10 * time.Second)
		wantState(t, part, "live")
		stop()
		if len(s.starts()) != 1 {
			t.Errorf("%d attempts, want 1", len(s.starts()))
		}
	})
}

func TestItTriesForEverAndRarelyWhereAPersonIsNeeded(t *testing.T) {
	for reason, want := range map[camera.Reason]struct{ min, max int }{ // attempts in a day
		camera.Unreachable: {2000, 6000}, camera.Protocol: {2000, 6000}, camera.Stalled: {2000, 6000}, camera.Busy: {200, 600},
		camera.Auth: {100, 300}, camera.NotFound: {100, 300}, camera.WrongCodec: {100, 300},
	} {
		t.Run(string(reason), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &source{play: func(context.Context, camera.Receiver, int) error {
					return fmt.Errorf("trying: %w", &camera.Fault{Reason: reason, Err: errors.New("no"), Advice: "do this"})
				}}
				part, stop := start(t, s)
				time.Sleep(24 * time.Hour)
				wantState(t, part, "failed")
				if n := len(s.starts()); n < want.min || n > want.max {
					t.Errorf("%d attempts in a day, want %d to %d", n, want.min, want.max)
				}
				if text := part.View().Error; text != "trying: no; do this" {
					t.Errorf("the error is %q", text)
				}
				stop()
			})
		})
	}
}

func TestASourceThatEndsWithoutAnErrorIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		part, stop := start(t, &source{play: func(context.Context, camera.Receiver, int) error { return nil }})
		wantState(t, part, "failed")
		if text := part.View().Error; text != "test://camera ended its stream" {
			t.Errorf("the error is %q", text)
		}
		stop()
	})
}

func TestAPanicOfTheSourceEndsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(context.Context, camera.Receiver, int) error { panic("a mistake") }}
		feed := hub.New(hub.NewVectors(prometheus.NewRegistry()).Camera("c"))
		l := &camera.Loop{
			Source: s, StallAfter: 3 * time.Second, Intake: through{feed}, Video: feed, Part: newPart(),
			Metrics: camera.NewVectors(prometheus.NewRegistry()).Camera("c"),
		}
		if err := l.Run(t.Context()); !guard.Panicked(err) || !strings.Contains(err.Error(), "a mistake") {
			t.Errorf("Run returned %v, want the panic", err)
		}
	})
}

// What its owner could do about a camera's video is shown until the camera begins anew: it may have been done.
func TestAdviceIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{play: func(ctx context.Context, r camera.Receiver, attempt int) error {
			ctx, end := context.WithTimeout(ctx, time.Minute)
			defer end()
			return film(ctx, r, every(time.Duration(3-attempt)*5*time.Second))
		}}
		part, stop := start(t, s)
		time.Sleep(30 * time.Second)
		if text := part.View().Detail["advice"]; !strings.Contains(text, "I-frame interval") {
			t.Errorf("the details are %q", part.View().Detail)
		}
		time.Sleep(31 * time.Second)
		if len(s.starts()) != 2 || part.View().Detail["advice"] != "" {
			t.Errorf("after %d sessions the details are %q", len(s.starts()), part.View().Detail)
		}
		stop()
	})
}

func TestLostPacketsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		l := &camera.Loop{
			Source: &source{play: func(_ context.Context, r camera.Receiver, _ int) error {
				r.Begin(camera.Format{Codec: camera.H264})
				r.Packet(camera.Packet{Payload: []byte{0x41, 1}, Lost: 3})
				r.Packet(camera.Packet{Payload: []byte{0x41, 2}})
				r.Packet(camera.Packet{Payload: []byte{0x41, 3}, Lost: 1})
				panic("enough")
			}},
			Intake: &slowHub{}, Video: &slowHub{}, StallAfter: time.Minute,
			Part:    status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", camera.Kind),
			Metrics: camera.NewVectors(registry).Camera("c"),
		}
		_ = l.Run(t.Context())
		want := "# HELP overshoot_agent_camera_packets_lost_total Packets that got lost between the camera and us.\n" +
			"# TYPE overshoot_agent_camera_packets_lost_total counter\novershoot_agent_camera_packets_lost_total{camera=\"c\"} 4\n"
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "overshoot_agent_camera_packets_lost_total"); err != nil {
			t.Error(err)
		}
	})
}

//go:build vm

package v4l2_test

import (
	"context"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// held is what the process holds: descriptors, mappings of devices, goroutines.
type held struct{ descriptors, mappings, goroutines int }

func holding(t *testing.T) held {
	t.Helper()
	descriptors, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return held{len(descriptors), strings.Count(string(maps), "/dev/video"), runtime.NumGoroutine()}
}

func TestNothingIsLeftOpen(t *testing.T) {
	s := sourceOf(t, "device: "+node(t, single)+"\nwidth: 320\nheight: 180\nfps: 60")
	round := func() {
		ctx, stop := context.WithCancel(t.Context())
		v := newViewer()
		ended := newSignal()
		go func() {
			defer ended.give()
			_ = s.Run(ctx, v)
		}()
		<-v.packets
		stop()
		<-ended.given
	}
	round()
	before := holding(t)
	for range 200 {
		round()
	}
	after := holding(t)
	for deadline := time.Now().Add(5 * time.Second); after != before && time.Now().Before(deadline); after = holding(t) {
		runtime.Gosched() // goroutines that are done may need a moment to be gone
	}
	if after != before {
		t.Errorf("held %+v before, %+v after", before, after)
	}
}

// counter is what comes behind a source: it counts pictures, and tells the watchdog.
type counter struct {
	pictures atomic.Int64
	last     atomic.Int64 // when the newest came, Unix nanoseconds
}

func (c *counter) Begin(camera.Format) {}

func (c *counter) Packet(camera.Packet) {
	c.pictures.Add(1)
	c.last.Store(time.Now().UnixNano())
}

func (c *counter) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (c *counter) PictureAge() time.Duration { return time.Since(time.Unix(0, c.last.Load())) }
func (c *counter) KeyAge() time.Duration     { return c.PictureAge() }
func (c *counter) KeyGap() time.Duration     { return time.Second }

// keep lets a loop keep a camera running until the test ends.
func keep(t *testing.T, s camera.Source) (*counter, *status.Part) {
	t.Helper()
	registry := prometheus.NewRegistry()
	c, part := &counter{}, status.NewBoard(zap.NewNop(), registry).Add("c", camera.Kind)
	loop := camera.Loop{
		Source: s, Intake: c, Video: c, StallAfter: 5 * time.Second, Part: part, Metrics: camera.NewVectors(registry).Camera("c"),
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := newSignal()
	go func() {
		defer ended.give()
		_ = loop.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended.given
	})
	return c, part
}

// within waits for something to become true, and fails when that takes longer than it may.
func within(t *testing.T, limit time.Duration, what string, is func() bool) time.Duration {
	t.Helper()
	since := time.Now()
	for !is() {
		if time.Since(since) > 30*time.Second {
			t.Fatalf("%s: not in 30s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	took := time.Since(since)
	t.Logf("%s after %v", what, took.Round(time.Millisecond))
	if took > limit {
		t.Errorf("%s after %v, want %v at most", what, took, limit)
	}
	return took
}

// The whole way, with the loop that keeps cameras: unplugged for longer than pauses are short, back under another number, live in 3 seconds.
func TestACameraThatIsPluggedInAgainIsLive(t *testing.T) {
	device := node(t, single)
	c, part := keep(t, sourceOf(t, "device: "+device+small))
	within(t, 3*time.Second, "live", func() bool { return c.pictures.Load() > 0 })
	time.Sleep(4 * time.Second) // it worked for a while
	hold(t, device)
	for range 2 {
		unplug(t)
		within(t, time.Second, "failed", func() bool { return part.View().State == "failed" && part.View().Error != "" })
		time.Sleep(5 * time.Second)
		if text := part.View().Error; !strings.Contains(text, "is the camera plugged in?") {
			t.Errorf("the status says %q", text)
		}
		before := c.pictures.Load()
		since := time.Now()
		plug(t)
		within(t, 3*time.Second, "live again", func() bool { return c.pictures.Load() > before })
		t.Logf("%v after it was plugged in", time.Since(since).Round(time.Millisecond))
	}
}

func TestASilentCameraIsOpenedAgain(t *testing.T) {
	device := node(t, single)
	c, part := keep(t, sourceOf(t, "device: "+device+small))
	within(t, 3*time.Second, "live", func() bool { return part.View().State == "live" })
	setControl(t, device, "Percentage of Dropped Buffers", 100)
	within(t, 5*time.Second, "noticed", func() bool { return strings.Contains(part.View().Error, "it gave no picture for 3s") })
	setControl(t, device, "Percentage of Dropped Buffers", 0)
	before := c.pictures.Load()
	within(t, 3*time.Second, "live again", func() bool { return c.pictures.Load() > before })
}

// The signal of a capture card changes its size, as when somebody plugs in another computer: the camera is set up anew for it.
func TestAnotherSignal(t *testing.T) {
	device := node(t, "vivid-002-vid-cap")
	s := sourceOf(t, "device: "+device)
	a := run(t, s)
	before := next(t, a.begun, a)
	next(t, a.packets, a)
	setControl(t, device, "DV Timings Signal Mode", 1) // no signal
	setControl(t, device, "DV Timings Signal Mode", 0)
	wantFault(t, end(t, a), camera.Closed, "the signal changed")
	a = run(t, s)
	if f := next(t, a.begun, a); f.Width != before.Width || f.Height != before.Height {
		t.Errorf("%+v before, %+v after", before, f)
	}
	quickly(t, a)
}

package watch_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// desk answers questions, or refuses to.
type desk struct {
	mu     sync.Mutex
	refuse error
	asked  []time.Time
}

func (d *desk) Chat(context.Context, string, overshoot.ChatRequest) (overshoot.Answer, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, time.Now())
	return overshoot.Answer{Content: "yes"}, d.refuse
}

func (d *desk) set(refuse error) (askedSoFar int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.asked)
	d.refuse, d.asked = refuse, nil
	return n
}

func (d *desk) Region() string              { return "" }
func (d *desk) Renew(context.Context) error { return nil }

// run asks every two seconds until the test ends.
func run(t *testing.T, d *desk) (fresh *atomic.Bool, results *atomic.Int32) {
	fresh, results = &atomic.Bool{}, &atomic.Int32{}
	fresh.Store(true)
	w := &watch.Watcher{
		Spec: config.Watch{
			Name: "w", Prompt: "?", Model: "m", Look: config.Look{Frame: true}, MaxTokens: 8,
			Every: config.Duration(2 * time.Second), Timeout: config.Duration(time.Second),
		},
		Fresh: fresh.Load, Accept: func(context.Context, result.Result) { results.Add(1) }, Stamp: func(*result.Result) {},
		Part:    status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", watch.KindOf("w")),
		Metrics: watch.NewVectors(prometheus.NewRegistry()).Watch("c", "w"),
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx, d, d, "stream") })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return fresh, results
}

func TestQuestionsKeepTheirBeatAndStopWithoutFreshPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		fresh, results := run(t, d)
		time.Sleep(59 * time.Second)
		if n := results.Load(); n != 30 {
			t.Errorf("%d results in a minute, want 30", n)
		}
		fresh.Store(false)
		time.Sleep(time.Second)
		d.set(nil)
		time.Sleep(time.Minute)
		if n := d.set(nil); n != 0 {
			t.Errorf("asked %d times without fresh pictures", n)
		}
	})
}

// A picture is taken hold of when the question is asked, and belongs to the result before anybody else gets that.
func TestResultsAreAcceptedWithTheirPicture(t *testing.T) {
	for _, last := range []time.Duration{0, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var about, asked time.Time
			ctx, stop := context.WithCancel(t.Context())
			w := &watch.Watcher{
				Spec: config.Watch{
					Name: "w", Prompt: "?", Model: "m", Look: config.Look{Frame: last == 0, Last: config.Duration(last), MaxFPS: 1}, MaxTokens: 8,
					Every: config.Duration(2 * time.Second), Timeout: config.Duration(time.Second),
				},
				Fresh: func() bool { return true },
				Stamp: func(r *result.Result) { r.ID = "id" },
				Snapshot: func(at time.Time) func(context.Context, *result.Result) {
					about, asked = at, time.Now()
					return func(_ context.Context, r *result.Result) {
						time.Sleep(300 * time.Millisecond)
						r.Snapshot = &result.Snapshot{Path: r.ID + ".jpg"}
					}
				},
				Accept: func(_ context.Context, r result.Result) {
					defer stop()
					if r.Snapshot == nil || r.Snapshot.Path != "id.jpg" || !r.Time.Equal(asked) || time.Since(asked) != 300*time.Millisecond {
						t.Errorf("%v after the question: %+v", time.Since(asked), r)
					}
				},
				Part:    status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", watch.KindOf("w")),
				Metrics: watch.NewVectors(prometheus.NewRegistry()).Watch("c", "w"),
			}
			d := &desk{}
			w.Run(ctx, d, d, "stream")
			if asked.Sub(about) != last/2 {
				t.Errorf("a clip of %v: the picture is to be of %v before the question", last, asked.Sub(about))
			}
		})
	}
}

func TestRefusalsAreRarelyRepeated(t *testing.T) {
	for status, most := range map[int]int{401: 5, 402: 13, 422: 5} {
		synctest.Test(t, func(t *testing.T) {
			d := &desk{}
			d.set(&overshoot.Error{Op: overshoot.OpChat, Status: status})
			_, results := run(t, d)
			time.Sleep(time.Hour)
			if n := d.set(nil); n < 2 || n > most {
				t.Errorf("%d: asked %d times in an hour, want 2 to %d", status, n, most)
			}
			time.Sleep(16 * time.Minute)
			if results.Load() == 0 {
				t.Errorf("%d: no results though the service answers again", status)
			}
		})
	}
}

func TestPicturesThatComeBackEndALongRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{}
		d.set(&overshoot.Error{Op: overshoot.OpChat, Status: 401})
		fresh, results := run(t, d)
		time.Sleep(time.Minute)
		fresh.Store(false) // looks at the stream are refused as well
		time.Sleep(time.Minute)
		d.set(nil)
		fresh.Store(true) // the key was replaced
		time.Sleep(10 * time.Second)
		if results.Load() == 0 {
			t.Error("no result 10 s after the service takes us again")
		}
	})
}

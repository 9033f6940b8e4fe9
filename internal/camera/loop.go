package camera

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
)

// Kind is the part of the status board that shows a source.
var Kind = status.Kind{Name: "source", States: []string{"opening", "live", "failed"}}

// Healthy is how long a camera must deliver before the pauses between attempts start small again.
const healthy = 10 * time.Second

// A Loop keeps one source running for as long as its context lasts. It never gives up.
type Loop struct {
	Source     Source
	Hub        Hub           // takes what the source delivers
	StallAfter time.Duration // without a complete picture for so long, the source is closed and opened again
	Part       *status.Part  // of Kind
	Metrics    *Metrics
}

// A Hub is a Receiver that can tell how long ago the last complete picture came.
type Hub interface {
	Receiver
	Age() time.Duration
}

// Run blocks until ctx ends, or something in it panicked.
func (l *Loop) Run(ctx context.Context) error {
	quick, slow := retry.NewPause(time.Second, 30*time.Second), retry.NewPause(time.Minute, 10*time.Minute)
	for ctx.Err() == nil {
		l.Part.Set("opening", nil)
		lived, err := l.runOnce(ctx)
		if guard.Panicked(err) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		reason := ReasonOf(err)
		l.Metrics.reconnects.WithLabelValues(string(reason)).Inc()
		l.Part.Set("failed", err)
		pause := quick
		if reason.needsPerson() {
			pause = slow
		}
		if lived > healthy {
			quick.Reset()
			slow.Reset()
		}
		pause.Wait(ctx)
	}
	return ctx.Err()
}

// runOnce is one attempt, ended by the source or by the watchdog. It tells for how long pictures came.
func (l *Loop) runOnce(ctx context.Context) (lived time.Duration, err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	session := &session{Hub: l.Hub}
	var verdict error // of the watchdog
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		defer end()
		verdict = guard.Run(func() (err error) { lived, err = l.watch(ctx, session); return err })
	}()
	err = guard.Run(func() error { return l.Source.Run(ctx, session) })
	end()
	<-watching
	switch {
	case guard.Panicked(err):
	case verdict != nil:
		err = verdict
	case err == nil:
		err = &Fault{Reason: Closed, Err: fmt.Errorf("%s ended its stream", l.Source)}
	}
	return lived, err
}

// watch is the watchdog: it returns when ctx ends, or with a fault when pictures stop. It judges by complete pictures: bytes are not video,
// and a camera that hangs often keeps its connection open.
func (l *Loop) watch(ctx context.Context, s *session) (lived time.Duration, fault error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var since time.Time
	for ctx.Err() == nil && fault == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
			var live bool
			if live, fault = l.judge(s); live && since.IsZero() {
				since = time.Now()
				l.Part.Set("live", nil)
				l.Part.Well()
			}
		}
	}
	if since.IsZero() {
		return 0, fault
	}
	return time.Since(since), fault
}

// judge tells whether pictures come, or that they have stopped.
func (l *Loop) judge(s *session) (live bool, fault error) {
	begun := s.begun.Load()
	if begun == nil {
		return false, nil // the source bounds its own connecting
	}
	elapsed := time.Since(*begun) // before the age is asked: the other order takes the time between for a picture
	age := l.Hub.Age()
	if age > l.StallAfter {
		return false, &Fault{
			Reason: Stalled,
			Err:    fmt.Errorf("%s is connected, but no complete picture came for %v", l.Source, l.StallAfter),
			Advice: "opening it again; if this happens often, look at the camera's power, network and load",
		}
	}
	return age < elapsed, nil
}

// session notes when a source connected.
type session struct {
	Hub
	begun atomic.Pointer[time.Time]
}

func (s *session) Begin(p Parameters) {
	s.Hub.Begin(p)
	now := time.Now()
	s.begun.Store(&now)
}

package camera

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
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
	Intake     Intake        // takes what the source delivers
	Video      Video         // what comes out of the intake
	StallAfter time.Duration // without a complete picture for so long, the source is closed and opened again
	Part       *status.Part  // of Kind
	Metrics    *Metrics
}

// A Video can tell how long ago the last complete picture came.
type Video interface{ Age() time.Duration }

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
	session := &session{Intake: l.Intake}
	var refusal, verdict, broken error // of intake, watchdog and source
	var beside sync.WaitGroup
	run := func(err *error, f func() error) func() {
		return func() {
			defer end()
			*err = guard.Run(f)
		}
	}
	beside.Go(run(&refusal, func() error { return l.Intake.Run(ctx) }))
	beside.Go(run(&verdict, func() (err error) { lived, err = l.watch(ctx, session); return err }))
	run(&broken, func() error { return l.Source.Run(ctx, session) })()
	beside.Wait()
	return lived, l.cause(broken, refusal, verdict)
}

// cause is why an attempt ended. Who ended it made the others end as well, by ending their context.
func (l *Loop) cause(broken, refusal, verdict error) error {
	all := []error{broken, refusal, verdict}
	if i := slices.IndexFunc(all, guard.Panicked); i >= 0 {
		return all[i]
	}
	for _, err := range []error{refusal, verdict, broken} {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return &Fault{Reason: Closed, Err: fmt.Errorf("%s ended its stream", l.Source)}
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
	age := l.Video.Age()
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
	Intake
	begun atomic.Pointer[time.Time]
}

func (s *session) Begin(f Format) {
	s.Intake.Begin(f)
	now := time.Now()
	s.begun.Store(&now)
}

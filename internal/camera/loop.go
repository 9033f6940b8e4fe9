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

// A Loop keeps one source running for as long as its context lasts. It never gives up.
type Loop struct {
	Source     Source
	Intake     Intake        // takes what the source delivers
	Video      Video         // what comes out of the intake
	StallAfter time.Duration // without a complete picture for so long, the source is closed and opened again
	Part       *status.Part  // of Kind
	Metrics    *Metrics
}

// Run blocks until ctx ends, or something in it panicked.
func (l *Loop) Run(ctx context.Context) error {
	pauses := newPauses()
	for ctx.Err() == nil {
		l.Part.Set("opening", nil)
		delivered, err := l.runOnce(ctx)
		if guard.Panicked(err) {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		reason := ReasonOf(err)
		l.Metrics.reconnects.WithLabelValues(string(reason)).Inc()
		l.Part.Set("failed", err)
		l.rest(ctx, reason, pauses.after(reason, delivered))
	}
	return ctx.Err()
}

const (
	// blink is the least time between two attempts where the first found no device: one that comes and goes must not keep the processor busy.
	blink = 100 * time.Millisecond

	// handy is the most between two attempts to open a device of this machine. Whoever asks it locks no account and fills nobody's log; and nobody
	// tells when the other program lets go of it, or when its rights are put right.
	handy = 5 * time.Second
)

// rest waits before the next attempt, no longer than until the device is there that was missed.
func (l *Loop) rest(ctx context.Context, reason Reason, pause time.Duration) {
	device, ok := l.Source.(Awaiter)
	switch {
	case !ok:
		retry.Sleep(ctx, pause)
		return
	case reason != Unreachable, pause < blink:
		retry.Sleep(ctx, min(pause, handy))
		return
	}
	retry.Sleep(ctx, blink)
	ctx, end := context.WithTimeout(ctx, pause-blink)
	defer end()
	device.Await(ctx)
}

// Advise shows what the camera's owner could do about its video, until the next session begins.
func (l *Loop) Advise(advice string) { l.Part.Detail("advice", advice) }

// showChoice shows what the source takes of what its camera has, and where that is not what was asked for.
func (l *Loop) showChoice() {
	r, ok := l.Source.(Reporter)
	if !ok {
		return
	}
	report := r.Report()
	for _, name := range []string{FactChosen, FactNearest} {
		l.Part.Detail(name, report.fact(name))
	}
}

// runOnce is one attempt, ended by the source, the intake or the watchdog. It tells for how long pictures came.
func (l *Loop) runOnce(ctx context.Context) (delivered time.Duration, err error) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	session := &session{loop: l}
	var refusal, verdict, broken error // of intake, watchdog and source
	var beside sync.WaitGroup
	run := func(err *error, f func() error) func() {
		return func() {
			defer end()
			*err = guard.Run(f)
		}
	}
	beside.Go(run(&refusal, func() error { return l.Intake.Run(ctx) }))
	beside.Go(run(&verdict, func() (err error) { delivered, err = l.watch(ctx, session); return err }))
	run(&broken, func() error { return l.Source.Run(ctx, session) })()
	beside.Wait()
	return delivered, l.cause(broken, refusal, verdict)
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

// session stands between a source and the intake for one attempt, and notes what the loop wants to know.
type session struct {
	loop  *Loop
	begun atomic.Pointer[time.Time]
}

func (s *session) Begin(f Format) {
	s.loop.Advise("")
	s.loop.showChoice()
	s.loop.Intake.Begin(f)
	now := time.Now()
	s.begun.Store(&now)
}

func (s *session) Packet(p Packet) {
	if p.Lost > 0 {
		s.loop.Metrics.lost.Add(float64(p.Lost))
	}
	s.loop.Intake.Packet(p)
}

// Package supervisor keeps named units running: it starts them, restarts the ones that fail with a pause of their own, and changes the
// set of units by difference. It knows nothing of cameras.
package supervisor

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// A Unit is one thing to keep running. Run blocks until ctx ends; an earlier return, with or without an error, is a failure. It runs what
// it starts under guards, so that a panic there is an error of Run.
type Unit interface {
	Run(ctx context.Context) error
}

// ErrReplaced is the cause with which the context of a unit ends whose place another spec of the same name takes. What the next one can
// go on with need not be torn down.
var ErrReplaced = errors.New("replaced by a changed unit")

// A Spec says which unit is wanted.
type Spec struct {
	Name  string
	Equal func(old Spec) bool // whether old, which runs, is as good as this one; then it is left alone
	New   func() Unit         // makes the unit anew for each start
	Value any                 // whatever Equal needs to compare
	Ended func(replaced bool) // called when the unit has ended for good, before another takes its place; may be nil
}

// A Supervisor runs units. Make one with New.
type Supervisor struct {
	log      *zap.Logger
	restarts *prometheus.CounterVec
	scrub    func(string) string

	mu      sync.Mutex // held for the whole of Apply: one change at a time
	running map[string]*runner
}

// slowStop is how long a unit may take to stop before the log says which one is slow.
const slowStop = 5 * time.Second

type runner struct {
	spec Spec
	stop context.CancelCauseFunc
	done chan struct{}
}

// NewRestarts registers the metric of restarts, one for all supervisors.
func NewRestarts(reg prometheus.Registerer) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "overshoot_agent", Name: "unit_restarts_total", Help: "Restarts of a unit, by cause.",
	}, []string{"unit", "cause"})
	reg.MustRegister(v)
	return v
}

// New returns a supervisor without units. What a panic says goes through scrub before it is logged.
func New(log *zap.Logger, restarts *prometheus.CounterVec, scrub func(string) string) *Supervisor {
	return &Supervisor{log: log, restarts: restarts, scrub: scrub, running: map[string]*runner{}}
}

// Apply makes the running units those of want: it keeps the equal ones untouched, stops the others first, so that what they held is
// free, and then starts the new ones. It blocks until the stopped ones have ended. Units live until a later Apply or the end of ctx.
func (s *Supervisor) Apply(ctx context.Context, want []Spec) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wanted := map[string]Spec{}
	for _, spec := range want {
		wanted[spec.Name] = spec
	}
	gone := map[*runner]bool{} // whether another takes its place
	for name, r := range s.running {
		if spec, replaced := wanted[name]; !replaced || !spec.Equal(r.spec) {
			gone[r] = replaced
			delete(s.running, name)
		}
	}
	s.halt(gone)
	for _, spec := range want {
		if s.running[spec.Name] == nil {
			s.running[spec.Name] = s.start(ctx, spec)
		}
	}
}

// Stop stops all units and blocks until they have ended.
func (s *Supervisor) Stop() { s.Apply(context.Background(), nil) }

// Pulse returns when no change is under way. A supervisor that does not return from it for long hangs.
func (s *Supervisor) Pulse() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

func (s *Supervisor) halt(gone map[*runner]bool) {
	for r, replaced := range gone {
		if replaced {
			r.stop(ErrReplaced)
		} else {
			r.stop(nil)
		}
	}
	for r, replaced := range gone {
		select {
		case <-r.done:
		case <-time.After(slowStop):
			s.log.Warn("a unit is slow to stop, waiting on", zap.String("unit", r.spec.Name), zap.Duration("waited", slowStop))
			<-r.done
		}
		s.restarts.DeletePartialMatch(prometheus.Labels{"unit": r.spec.Name})
		if r.spec.Ended != nil {
			r.spec.Ended(replaced)
		}
	}
}

func (s *Supervisor) start(ctx context.Context, spec Spec) *runner {
	ctx, stop := context.WithCancelCause(ctx)
	r := &runner{spec: spec, stop: stop, done: make(chan struct{})}
	for _, cause := range []string{"error", "panic"} {
		s.restarts.WithLabelValues(spec.Name, cause)
	}
	go func() {
		defer close(r.done)
		s.keep(ctx, spec)
	}()
	return r
}

// keep restarts one unit until ctx ends.
func (s *Supervisor) keep(ctx context.Context, spec Spec) {
	const wellAfter = time.Minute
	pause := retry.NewPause(time.Second, time.Minute)
	for ctx.Err() == nil {
		started := time.Now()
		err := guard.Run(func() error { return spec.New().Run(ctx) })
		if ctx.Err() != nil && !guard.Panicked(err) {
			return
		}
		s.failed(spec, err)
		if time.Since(started) > wellAfter {
			pause.Reset()
		}
		pause.Wait(ctx)
	}
}

// failed tells of a failure. A panic is told whole, with its stack, but for secrets.
func (s *Supervisor) failed(spec Spec, err error) {
	cause, text := "error", "it returned"
	if guard.Panicked(err) {
		cause = "panic"
	}
	if err != nil {
		text = s.scrub(err.Error())
	}
	s.restarts.WithLabelValues(spec.Name, cause).Inc()
	s.log.Error("a unit failed and will be restarted", zap.String("unit", spec.Name), zap.String("cause", cause), zap.String("error", text))
}

// Package supervisor keeps named units running: it starts them, restarts the ones that fail with a pause of their own, and changes the
// set of units by difference. It knows nothing of cameras.
package supervisor

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// A Unit is one thing to keep running. Run blocks until ctx ends; an earlier return, with or without an error, is a failure.
type Unit interface {
	Run(ctx context.Context) error
}

// A Spec says which unit is wanted.
type Spec struct {
	Name  string
	Equal func(old Spec) bool // whether old, which runs, is as good as this one; then it is left alone
	New   func() Unit         // makes the unit anew for each start
	Value any                 // whatever Equal needs to compare
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
	stop context.CancelFunc
	done chan struct{}
}

// New returns a supervisor without units. Stacks of panics go through scrub before they are logged.
func New(log *zap.Logger, reg prometheus.Registerer, scrub func(string) string) *Supervisor {
	s := &Supervisor{log: log, scrub: scrub, running: map[string]*runner{}, restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "overshoot_agent", Name: "unit_restarts_total", Help: "Restarts of a unit, by cause.",
	}, []string{"unit", "cause"})}
	reg.MustRegister(s.restarts)
	return s
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
	var gone []*runner
	for name, r := range s.running {
		if spec, ok := wanted[name]; !ok || !spec.Equal(r.spec) {
			gone = append(gone, r)
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

func (s *Supervisor) halt(gone []*runner) {
	for _, r := range gone {
		r.stop()
	}
	for _, r := range gone {
		select {
		case <-r.done:
		case <-time.After(slowStop):
			s.log.Warn("a unit is slow to stop, waiting on", zap.String("unit", r.spec.Name), zap.Duration("waited", slowStop))
			<-r.done
		}
		s.restarts.DeletePartialMatch(prometheus.Labels{"unit": r.spec.Name})
	}
}

func (s *Supervisor) start(ctx context.Context, spec Spec) *runner {
	ctx, stop := context.WithCancel(ctx)
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
		cause, err := s.runOnce(ctx, spec)
		if ctx.Err() != nil {
			return
		}
		s.restarts.WithLabelValues(spec.Name, cause).Inc()
		s.log.Error("a unit failed and will be restarted", zap.String("unit", spec.Name), zap.String("cause", cause), zap.Error(err))
		if time.Since(started) > wellAfter {
			pause.Reset()
		}
		pause.Wait(ctx)
	}
}

// runOnce turns a panic on the unit's own goroutine into an error, with the stack, so that it costs one unit a second and not the process
// its life. A panic on a goroutine that the unit started is out of its reach.
func (s *Supervisor) runOnce(ctx context.Context, spec Spec) (cause string, err error) {
	cause = "error"
	defer func() {
		if p := recover(); p != nil {
			cause, err = "panic", fmt.Errorf("panic: %s\n%s", s.scrub(fmt.Sprint(p)), s.scrub(string(debug.Stack())))
		}
	}()
	return cause, spec.New().Run(ctx)
}

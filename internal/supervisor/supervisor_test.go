package supervisor_test

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

	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// unit is one whose life the test plays.
type unit func(ctx context.Context) error

func (u unit) Run(ctx context.Context) error { return u(ctx) }

// record notes what happens in which order.
type record struct {
	mu     sync.Mutex
	events []string
}

func (r *record) add(event string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, event)
}

// take waits until all is quiet and returns what happened since the last take.
func (r *record) take() string {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { r.events = nil }()
	return strings.Join(r.events, " ")
}

// steady is the spec of a unit that runs until it is stopped.
func (r *record) steady(name, version string) supervisor.Spec {
	return r.playing(name, version, func(ctx context.Context) error { <-ctx.Done(); return nil })
}

func (r *record) playing(name, version string, u unit) supervisor.Spec {
	return supervisor.Spec{
		Name: name, Value: version,
		Equal: func(old supervisor.Spec) bool { return old.Value == version },
		New: func() supervisor.Unit {
			return unit(func(ctx context.Context) error {
				r.add("+" + name + version)
				defer r.add("-" + name + version)
				return u(ctx)
			})
		},
	}
}

func newSupervisor() (*supervisor.Supervisor, *observer.ObservedLogs, *prometheus.Registry) {
	core, logs := observer.New(zap.InfoLevel)
	registry := prometheus.NewRegistry()
	scrub := func(s string) string { return strings.ReplaceAll(s, "canary", "<secret>") }
	return supervisor.New(zap.New(core), supervisor.NewRestarts(registry), scrub), logs, registry
}

func TestApplyChangesOnlyTheDifference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := newSupervisor()
		r := &record{}
		step := func(want string, specs ...supervisor.Spec) {
			t.Helper()
			s.Apply(t.Context(), specs)
			got := strings.Fields(r.take())
			stops := slices.IndexFunc(got, func(e string) bool { return e[0] == '+' })
			if stops >= 0 && slices.ContainsFunc(got[stops:], func(e string) bool { return e[0] == '-' }) {
				t.Errorf("a unit was started before all were stopped: %v", got)
			}
			slices.Sort(got)
			if text := strings.Join(got, " "); text != want {
				t.Errorf("got %s, want %s", text, want)
			}
		}
		step("+a1 +b1", r.steady("a", "1"), r.steady("b", "1"))
		step("", r.steady("b", "1"), r.steady("a", "1"))
		step("+b2 +c1 -b1", r.steady("a", "1"), r.steady("b", "2"), r.steady("c", "1"))
		step("-a1 -b2", r.steady("c", "1"))
		s.Stop()
		if got := r.take(); got != "-c1" {
			t.Errorf("Stop: got %s", got)
		}
	})
}

func TestAUnitHearsWhetherAnotherTakesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := newSupervisor()
		r := &record{}
		telling := func(name, version string) supervisor.Spec {
			spec := r.playing(name, version, func(ctx context.Context) error {
				<-ctx.Done()
				r.add(fmt.Sprint(name, version, ":", errors.Is(context.Cause(ctx), supervisor.ErrReplaced)))
				return nil
			})
			spec.Ended = func(replaced bool) { r.add(fmt.Sprint(name, version, " ended:", replaced)) }
			return spec
		}
		s.Apply(t.Context(), []supervisor.Spec{telling("a", "1")})
		r.take()
		s.Apply(t.Context(), []supervisor.Spec{telling("a", "2")})
		if got, want := r.take(), "a1:true -a1 a1 ended:true +a2"; got != want {
			t.Errorf("replaced: got %s, want %s", got, want)
		}
		s.Apply(t.Context(), nil)
		if got, want := r.take(), "a2:false -a2 a2 ended:false"; got != want {
			t.Errorf("removed: got %s, want %s", got, want)
		}
	})
}

func TestAPanicCostsOnlyItsUnit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, logs, registry := newSupervisor()
		r := &record{}
		starts := 0
		s.Apply(t.Context(), []supervisor.Spec{
			r.steady("well", ""),
			r.playing("bad", "", func(ctx context.Context) error {
				if starts++; starts < 4 {
					canary()
				}
				<-ctx.Done()
				return nil
			}),
		})
		time.Sleep(time.Minute)
		got := strings.Fields(r.take())
		if count(got, "+bad") != 4 || count(got, "-bad") != 3 || count(got, "+well") != 1 || count(got, "-well") != 0 {
			t.Errorf("got %v", got)
		}
		failures := logs.FilterMessage("a unit failed and will be restarted").All()
		if len(failures) != 3 {
			t.Fatalf("%d failures were logged, want 3", len(failures))
		}
		fields := failures[0].ContextMap()
		text, _ := fields["error"].(string)
		if fields["unit"] != "bad" || fields["cause"] != "panic" || !strings.Contains(text, "the password is <secret>") ||
			!strings.Contains(text, "supervisor_test.go") || strings.Contains(text, "canary") {
			t.Errorf("logged %v", fields)
		}
		if n := restarts(t, registry, "bad", "panic"); n != 3 {
			t.Errorf("the metric says %v restarts", n)
		}
		s.Stop()
		if n := restarts(t, registry, "bad", "panic"); n != -1 {
			t.Error("the metric of a unit that is gone is still there")
		}
	})
}

// canary stands in the stack with its name, as a secret may that was an argument.
func canary() { panic("the password is canary") }

func count(events []string, event string) (n int) {
	for _, e := range events {
		if e == event {
			n++
		}
	}
	return n
}

// restarts returns a value of the metric, -1 when it has no such series.
func restarts(t *testing.T, registry *prometheus.Registry, unit, cause string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == cause && m.GetLabel()[1].GetValue() == unit {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

func TestAUnitThatKeepsFailingIsStartedForEverButRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, registry := newSupervisor()
		r := &record{}
		returns := map[string]error{"fails": errors.New("no"), "ends": nil}
		s.Apply(t.Context(), []supervisor.Spec{
			r.playing("fails", "", func(context.Context) error { return returns["fails"] }),
			r.playing("ends", "", func(context.Context) error { return returns["ends"] }),
		})
		time.Sleep(3 * time.Hour)
		for name := range returns {
			if n := restarts(t, registry, name, "error"); n < 150 || n > 250 {
				t.Errorf("%s: %v restarts in 3 hours", name, n)
			}
		}
		s.Stop()
	})
}

func TestAUnitThatIsSlowToStopIsNamedAndWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, logs, _ := newSupervisor()
		r := &record{}
		s.Apply(t.Context(), []supervisor.Spec{r.steady("quick", ""), r.playing("slow", "", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(20 * time.Second)
			return nil
		})})
		synctest.Wait()
		start := time.Now()
		s.Stop()
		if took := time.Since(start); took != 20*time.Second {
			t.Errorf("Stop returned after %v", took)
		}
		warnings := logs.FilterMessageSnippet("slow to stop").All()
		if len(warnings) != 1 || warnings[0].ContextMap()["unit"] != "slow" {
			t.Errorf("logged %v", warnings)
		}
	})
}

func TestUnitsEndWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, logs, _ := newSupervisor()
		r := &record{}
		ctx, cancel := context.WithCancel(t.Context())
		s.Apply(ctx, []supervisor.Spec{r.steady("a", "")})
		r.take()
		cancel()
		if got := r.take(); got != "-a" || logs.Len() != 0 {
			t.Errorf("got %s and %d log lines", got, logs.Len())
		}
		s.Stop()
	})
}

package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/supervisor"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// far is a sink that says what it got and answers with err.
type far struct {
	err error
	got chan string
}

func (f far) Deliver(_ context.Context, batch []result.Result) (int, error) {
	f.got <- batch[0].ID
	if f.err != nil {
		return 0, f.err
	}
	return len(batch), nil
}

func (f far) Close() error { return nil }

func makes(s sink.Sink) makeSink { return func(*agent, string) sink.Sink { return s } }

// put has a result delivered to the sink f.
func put(t *testing.T, a *agent, id string) {
	t.Helper()
	if _, err := a.spool.Append(t.Context(), result.Result{ID: id, Camera: "a", Watch: "w", Answer: []byte("1")}, []string{"f"}); err != nil {
		t.Fatal(err)
	}
}

func TestASinkThatIsGoneIsTriedAgainAfterAReload(t *testing.T) {
	a := start(t, &service{}, door("a"), "")
	defer a.sinks.Stop()
	got := make(chan string, 10)
	plan := a.running()
	plan.sinks["f"] = makes(far{&sink.Error{Kind: sink.Gone, Err: errors.New("410")}, got})
	a.applySinks(a.life, plan)
	put(t, a, "1")
	if id := <-got; id != "1" {
		t.Errorf("got %s", id)
	}
	for deadline := time.Now().Add(10 * time.Second); !a.isGone("f"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the board does not say that it is gone")
		}
	}
	if ready, why := a.ready(); ready {
		t.Errorf("ready: %s", why)
	}
	plan.sinks["f"] = makes(far{nil, got}) // the same configuration, read again
	a.applySinks(a.life, plan)
	if id := <-got; id != "1" || a.isGone("f") {
		t.Errorf("got %s, gone %v", id, a.isGone("f"))
	}
	plan.sinks["f"] = makes(far{errors.New("must not be used"), got})
	a.applySinks(a.life, plan) // what works is left alone
	put(t, a, "2")
	if id := <-got; id != "2" {
		t.Errorf("got %s", id)
	}
	if a.isGone("f") {
		t.Error("it is gone")
	}
}

// A read of the spool cannot be broken off while its disk hangs.
func TestSinksThatDoNotEndHoldUpTheAgentForAWhileOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sinks := supervisor.New(zap.NewNop(), supervisor.NewRestarts(prometheus.NewRegistry()), func(s string) string { return s })
		release := make(chan struct{})
		sinks.Apply(t.Context(), []supervisor.Spec{{Name: "s", New: func() supervisor.Unit { return hung(release) }}})
		synctest.Wait()
		began := time.Now()
		if within(stopping, sinks.Stop) || time.Since(began) != stopping {
			t.Errorf("it took %v", time.Since(began))
		}
		close(release)
		synctest.Wait()
		if !within(time.Second, func() {}) {
			t.Error("work that ends counts as late")
		}
	})
}

// hung is a unit that does not end when it is told to.
type hung chan struct{}

func (h hung) Run(context.Context) error {
	<-h
	return nil
}

// Package sinktest tests what every kind of sink promises to the delivery loop.
//
// A kind calls Run in a test of its own, with a function that opens a sink and a far side that the test plays:
//
//	sinktest.Run(t, func(t *testing.T) sinktest.World { … })
package sinktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// A World is one sink that nobody has used yet, and its far side. What a kind does not have is nil, and then not tested.
type World struct {
	Sink sink.Sink
	// Received returns the ids of the results that the far side has, in order of arrival, those that came twice included.
	Received func() []string
	// Away makes the far side fail: at once, for whatever comes.
	Away func()
	// Back makes the far side take everything again.
	Back func()
	// BreakAfter makes the far side fail once it has taken n more results, until Back.
	BreakAfter func(n int)
	// Hang makes the far side take nothing and say nothing. The channel is closed when the sink waits for it.
	Hang func() (waits <-chan struct{})
	// Answers are what the far side may say, by name: the retry table of the kind.
	Answers map[string]Answer
	// Secrets are texts of the settings that no error may show.
	Secrets []string
}

// An Answer is something the far side says to whatever comes, and what that means.
type Answer struct {
	Give func() // makes the far side say it
	Want sink.Error
}

// Result returns a result with an id, and everything in it that is hard to carry.
func Result(id string) result.Result {
	return result.Result{
		ID: id, Sequence: 1, Time: time.Date(2026, 11, 22, 13, 37, 0, 0, time.UTC), Agent: "pi", Camera: "door", Watch: "people",
		Labels: map[string]string{"site": "hq"}, StreamID: "s", Model: "m", OK: true, Answer: json.RawMessage(`"a \"text\"\n<ü>\u0000"`),
	}
}

// Results returns n results with the ids first, first+1, …
func Results(first, n int) (batch []result.Result) {
	for i := range n {
		batch = append(batch, Result(fmt.Sprintf("id-%03d", first+i)))
	}
	return batch
}

// IDs returns the ids of results.
func IDs(batch []result.Result) (ids []string) {
	for _, r := range batch {
		ids = append(ids, r.ID)
	}
	return ids
}

// Run tests a kind. Each part has a world of its own.
func Run(t *testing.T, open func(t *testing.T) World) {
	for name, part := range map[string]func(*testing.T, World){
		"order": order, "nothing to do": nothing, "large": large, "away and back": away, "part of a batch": partly, "cancel": cancelled,
		"cancel while it hangs": hanging, "close": closing,
	} {
		t.Run(name, func(t *testing.T) { part(t, open(t)) })
	}
	for name := range open(t).Answers {
		t.Run("answer: "+name, func(t *testing.T) {
			w := open(t)
			answer(t, w, w.Answers[name])
		})
	}
}

func order(t *testing.T, w World) {
	batches := [][]result.Result{Results(0, 1), Results(1, 64), Results(65, 7)}
	for _, batch := range batches {
		before := slices.Clone(batch)
		deliver(t, w, batch)
		if !reflect.DeepEqual(batch, before) {
			t.Error("Deliver has changed the batch")
		}
	}
	want(t, w, slices.Concat(batches...))
}

func nothing(t *testing.T, w World) {
	deliver(t, w, nil)
	deliver(t, w, Results(0, 1))
	want(t, w, Results(0, 1))
}

// large is a result of the size that the agent lets a model answer at most.
func large(t *testing.T, w World) {
	batch := Results(0, 3)
	batch[1].Answer, _ = json.Marshal(strings.Repeat("words ", 40_000))
	deliver(t, w, batch)
	want(t, w, batch)
}

func away(t *testing.T, w World) {
	if w.Away == nil {
		return
	}
	w.Away() // before the first delivery: making a sink needs nobody
	for range 3 {
		refuse(t, w, Results(0, 3))
	}
	w.Back()
	deliver(t, w, Results(0, 3))
	w.Away()
	refuse(t, w, Results(3, 3))
	w.Back()
	deliver(t, w, Results(3, 3))
	want(t, w, Results(0, 6))
}

// refuse delivers what must not be taken.
func refuse(t *testing.T, w World, batch []result.Result) {
	t.Helper()
	taken, err := w.Sink.Deliver(t.Context(), batch)
	if taken != 0 || err == nil {
		t.Fatalf("took %d of a far side that is away: %v", taken, err)
	}
	check(t, w, err)
}

func partly(t *testing.T, w World) {
	if w.BreakAfter == nil {
		return
	}
	batch := Results(0, 10)
	w.BreakAfter(4)
	taken, err := w.Sink.Deliver(t.Context(), batch)
	if err == nil || taken > 4 || taken < 0 {
		t.Fatalf("took %d when the far side had 4: %v", taken, err)
	}
	check(t, w, err)
	w.Back()
	deliver(t, w, batch[taken:])
	want(t, w, batch)
}

func cancelled(t *testing.T, w World) {
	why := errors.New("the agent stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	taken, err := w.Sink.Deliver(ctx, Results(0, 3))
	if err != nil && !errors.Is(err, why) || err == nil && taken != 3 {
		t.Errorf("took %d: %v, want the cause", taken, err)
	}
	deliver(t, w, Results(taken, 3))
	want(t, w, Results(0, taken+3))
}

func hanging(t *testing.T, w World) {
	if w.Hang == nil {
		return
	}
	why := errors.New("the agent stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	waits := w.Hang()
	go func() {
		<-waits
		cancel(why)
	}()
	batch := Results(0, 3)
	taken, err := w.Sink.Deliver(ctx, batch)
	if !errors.Is(err, why) {
		t.Errorf("got %v, want the cause", err)
	}
	if e, ok := errors.AsType[*sink.Error](err); ok && e.Kind != sink.Again {
		t.Errorf("that we broke it off counts as %s", e.Kind)
	}
	w.Back()
	deliver(t, w, batch[taken:])
	want(t, w, batch)
}

func closing(t *testing.T, w World) {
	if err := w.Sink.Close(); err != nil { // it has never been used
		t.Error(err)
	}
}

func answer(t *testing.T, w World, a Answer) {
	a.Give()
	taken, err := w.Sink.Deliver(t.Context(), Results(0, 2))
	if taken != 0 || err == nil {
		t.Fatalf("took %d: %v", taken, err)
	}
	check(t, w, err)
	got := sink.Error{Kind: sink.Again}
	if e, ok := errors.AsType[*sink.Error](err); ok {
		got = *e
	}
	got.Err = nil
	if got != a.Want {
		t.Errorf("it means %+v, want %+v", got, a.Want)
	}
	if w.Back(); a.Want.Kind != sink.Gone {
		deliver(t, w, Results(0, 2))
		want(t, w, Results(0, 2))
	}
}

// deliver delivers what must be taken.
func deliver(t *testing.T, w World, batch []result.Result) {
	t.Helper()
	if taken, err := w.Sink.Deliver(t.Context(), batch); err != nil || taken != len(batch) {
		t.Fatalf("took %d of %d: %v", taken, len(batch), err)
	}
}

// want compares what has arrived, without what came again, with what should have.
func want(t *testing.T, w World, batch []result.Result) {
	t.Helper()
	var got []string
	for _, id := range w.Received() {
		if !slices.Contains(got, id) {
			got = append(got, id)
		}
	}
	if !slices.Equal(got, IDs(batch)) {
		t.Errorf("the far side has %v, want %v", got, IDs(batch))
	}
}

// check looks at an error as a person would.
func check(t *testing.T, w World, err error) {
	t.Helper()
	text := err.Error()
	if text == "" || len(text) > 1000 || strings.ContainsAny(text, "\n\r\t\x1b") {
		t.Errorf("%q is no line for a log", text)
	}
	for _, secret := range w.Secrets {
		if strings.Contains(fmt.Sprintf("%s %+v %#v", text, err, err), secret) {
			t.Errorf("it shows %q: %s", secret, text)
		}
	}
}

package webhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"pgregory.net/rapid"
)

// ids returns those of the events in a batch.
func ids(body string) []string {
	var events []struct{ ID string }
	if err := json.Unmarshal([]byte(body), &events); err != nil {
		panic(err)
	}
	var all []string
	for _, event := range events {
		all = append(all, event.ID)
	}
	return all
}

// drain plays the delivery loop: what is refused goes to the dead letters, and the rest goes on.
func drain(t testing.TB, s sink.Sink, queue []result.Result) (dead []string) {
	for len(queue) > 0 {
		taken, err := s.Deliver(t.Context(), queue)
		queue = queue[taken:]
		if err == nil {
			continue
		}
		if e, ok := err.(*sink.Error); !ok || e.Kind != sink.Refused {
			t.Fatalf("got %v", err)
		}
		dead, queue = append(dead, queue[0].ID), queue[1:]
	}
	return dead
}

func TestOnlyThePoisonedResultsAreRefused(t *testing.T) {
	r := listen(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "results")
		size := rapid.IntRange(2, 20).Draw(rt, "batch")
		poison := rapid.SliceOfDistinct(rapid.IntRange(0, n-1), rapid.ID[int]).Draw(rt, "poison")
		slices.Sort(poison)
		var want, good, took []string
		for i := range n {
			if slices.Contains(poison, i) {
				want = append(want, fmt.Sprint(i))
			} else {
				good = append(good, fmt.Sprint(i))
			}
		}
		r.answer = func(w http.ResponseWriter, got request) {
			inside := ids(got.body)
			if slices.ContainsFunc(inside, func(id string) bool { return slices.Contains(want, id) }) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
			took = append(took, inside...)
		}
		dead := drain(t, open(t, fmt.Sprintf("url: %s\nbatch: %d", r.URL, size)), numbered(n))
		if !slices.Equal(dead, want) || !slices.Equal(took, good) {
			rt.Fatalf("refused %v, want %v; took %v, want %v", dead, want, took, good)
		}
	})
}

// The delivery loop tries a refused result a few times; each time costs one request.
func TestARefusedResultIsTriedAlone(t *testing.T) {
	r := listen(t, func(w http.ResponseWriter, got request) {
		if strings.Contains(got.body, `"id":"2"`) {
			w.WriteHeader(http.StatusBadRequest)
		}
	})
	s, queue := open(t, "url: "+r.URL+"\nbatch: 64"), numbered(60)
	taken, err := s.Deliver(t.Context(), queue)
	if wantError(t, err, sink.Refused); taken != 2 {
		t.Fatalf("took %d", taken)
	}
	before := len(r.requests())
	for range 5 {
		if taken, err := s.Deliver(t.Context(), queue[2:]); taken != 0 || err == nil {
			t.Fatalf("took %d, %v", taken, err)
		}
	}
	if n := len(r.requests()) - before; n != 5 {
		t.Errorf("five more tries took %d requests", n)
	}
	if dead := drain(t, s, queue[3:]); len(dead) > 0 {
		t.Errorf("refused %v", dead)
	}
}

func TestABatchIsBoundedInBytes(t *testing.T) {
	r := listen(t, nil)
	var batch []result.Result
	for i := range 20 {
		batch = append(batch, answerOf(fmt.Sprint(i), `"`+strings.Repeat("x", 90<<10)+`"`))
	}
	batch[7].Answer = json.RawMessage(`"` + strings.Repeat("x", 2<<20) + `"`) // alone it may be too large: that is the receiver's to say
	deliver(t, open(t, "url: "+r.URL+"\nbatch: 64"), batch...)
	var took []string
	for _, got := range r.requests() {
		took = append(took, ids(got.body)...)
		if len(got.body) > 1<<20 && len(ids(got.body)) > 1 {
			t.Errorf("a request with %d bytes", len(got.body))
		}
	}
	if len(took) != 20 || !slices.IsSortedFunc(took, func(a, b string) int { return len(a)*100 - len(b)*100 + strings.Compare(a, b) }) {
		t.Errorf("took %v", took)
	}
}

func TestTroubleDoesNotSplit(t *testing.T) {
	r := listen(t, says(503, ""))
	taken, err := open(t, "url: "+r.URL+"\nbatch: 64").Deliver(t.Context(), numbered(10))
	if wantError(t, err, sink.Again); taken != 0 || len(r.requests()) != 1 {
		t.Errorf("took %d in %d requests", taken, len(r.requests()))
	}
}

package slot

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestThePlanIsWithinTheLimitsFairAndStable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		out := s.plan()
		for name, check := range map[string]func(outcome) error{
			"everybody": s.everybody, "limits": s.limits, "moves": s.moves, "order": s.order, "stable": s.stable,
		} {
			if err := check(out); err != nil {
				t.Fatalf("%s: %v\nscene %+v\noutcome %+v", name, err, s, out)
			}
		}
	})
}

func TestThePlanDoesNotDependOnTheOrderOfTheCameras(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawScene(t)
		want := s.plan()
		s.cameras = rapid.Permutation(s.cameras).Draw(t, "cameras")
		if got := s.plan(); !reflect.DeepEqual(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
	})
}

func TestEachRecallHasItsCause(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	holder := func(priority int, since time.Duration) candidate {
		return candidate{camera: "holder", key: "k", priority: priority, since: ago(since)}
	}
	waits := func(priority int, since time.Duration) candidate {
		return candidate{camera: "waits", priority: priority, since: ago(since)}
	}
	dark := holder(5, time.Second)
	dark.dark = ago(patience)
	removed := holder(5, time.Second)
	removed.key = "gone"
	for _, c := range []struct {
		name    string
		cameras []candidate
		want    map[string]Cause
	}{
		{"priority", []candidate{holder(0, time.Second), waits(1, 0)}, map[string]Cause{"holder": CausePriority}},
		{"priority in spite of its turn", []candidate{holder(0, time.Hour), waits(1, 0)}, map[string]Cause{"holder": CausePriority}},
		{"rotation", []candidate{holder(0, time.Minute), waits(0, time.Minute)}, map[string]Cause{"holder": CauseRotation}},
		{"its turn", []candidate{holder(0, time.Minute-1), waits(0, time.Hour)}, map[string]Cause{}},
		{"one who has only come", []candidate{holder(0, time.Hour), waits(0, time.Minute-1)}, map[string]Cause{}},
		{"dark", []candidate{dark, waits(0, 0)}, map[string]Cause{"holder": CauseDark}},
		{"dark, but nobody waits", []candidate{dark}, map[string]Cause{}},
		{"key", []candidate{removed}, map[string]Cause{"holder": CauseKey}},
	} {
		got := plan(c.cameras, []offer{{key: "k", slots: 1}}, time.Minute, now).recalls
		if !maps.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

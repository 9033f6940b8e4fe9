package result_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"pgregory.net/rapid"
)

// anyResult draws a result in the form that it has after it was written and read: milliseconds, and an answer without white space.
func anyResult(t *rapid.T) result.Result {
	text := rapid.String()
	answer, _ := json.Marshal(text.Draw(t, "answer"))
	r := result.Result{
		ID: text.Draw(t, "id"), Sequence: rapid.Uint64().Draw(t, "sequence"),
		Time:  time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "time")).UTC(),
		Agent: text.Draw(t, "agent"), Camera: text.Draw(t, "camera"), Watch: text.Draw(t, "watch"),
		StreamID: text.Draw(t, "stream"), Model: text.Draw(t, "model"), OK: rapid.Bool().Draw(t, "ok"), Answer: answer,
		Error: text.Draw(t, "error"), FinishReason: text.Draw(t, "finish"),
		Latency:  time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "latency")) * time.Millisecond,
		Usage:    result.Usage{PromptTokens: rapid.Int().Draw(t, "prompt"), CachedTokens: rapid.Int().Draw(t, "cached")},
		Replayed: rapid.Bool().Draw(t, "replayed"),
	}
	if labels := rapid.MapOf(text, text).Draw(t, "labels"); len(labels) > 0 {
		r.Labels = labels
	}
	if rapid.Bool().Draw(t, "pictured") {
		r.Snapshot = &result.Snapshot{
			Path: text.Draw(t, "path"), Type: text.Draw(t, "type"), Size: rapid.Int64().Draw(t, "size"),
			Time: time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "taken")).UTC(),
		}
	}
	return r
}

func TestAResultIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := anyResult(t)
		text, err := want.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var got result.Result
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		again, _ := got.MarshalJSON()
		if !reflect.DeepEqual(got, want) || !bytes.Equal(again, text) {
			t.Fatalf("got  %+v\nwant %+v\nfrom %s", got, want, text)
		}
	})
}

func TestWhatIsNoResultIsAnErrorAndChangesNothing(t *testing.T) {
	good, _ := result.Result{Agent: "a", Camera: "c", Watch: "w"}.MarshalJSON()
	for _, change := range [][2]string{
		{`result.v1`, `result.v2`},
		{`"specversion":"1.0"`, `"specversion":"2.0"`},
		{`agent:a/c`, `agent:a/d`},
		{`urn:`, `arn:`},
		{`"00000000000000000000"`, `"x"`},
		{`"0001-01-01`, `"0001-13-01`},
		{`}}`, `}`},
	} {
		text := strings.Replace(string(good), change[0], change[1], 1)
		r := result.Result{ID: "kept"}
		if err := r.UnmarshalJSON([]byte(text)); err == nil || r.ID != "kept" {
			t.Errorf("%s: got %v, %+v", text, err, r)
		}
	}
}

func TestSequencesGoOnWhereTheyWere(t *testing.T) {
	s := result.NewSequences()
	s.Continue("a", "w", 41)
	s.Continue("a", "w", 7)
	if got := s.Next("a", "w"); got != 42 {
		t.Errorf("got %d", got)
	}
}

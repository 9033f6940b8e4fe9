package result_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

func TestTheEventFormat(t *testing.T) {
	r := result.Result{
		ID: "01936f3e-8a5b-7c3d-9e2f-1a2b3c4d5e6f", Sequence: 12345,
		Time:  time.Date(2026, 11, 22, 14, 37, 0, 123_999_999, time.FixedZone("CET", 3600)),
		Agent: "pi-01", Camera: "door", Watch: "people", Labels: map[string]string{"site": "north"},
		StreamID: "s-1", Model: "m-1", OK: true, Answer: json.RawMessage("{\n \"count\": 2, \"who\": \"<a & b>\"\n}"),
		FinishReason: "stop", Latency: 412_900 * time.Microsecond, Usage: result.Usage{PromptTokens: 700, CompletionTokens: 9, CachedTokens: 640},
	}
	failed := result.Result{
		ID: "2", Sequence: 1, Time: time.Unix(0, 0), Agent: "a", Camera: "c", Watch: "w", StreamID: "s", Model: "m", Error: "no JSON", FinishReason: "length",
	}
	pictured := result.Result{
		ID: "3", Sequence: 1, Time: time.Unix(0, 0), Agent: "a", Camera: "c", Watch: "w", StreamID: "s", Model: "m", OK: true,
		Snapshot: &result.Snapshot{
			Path: "/r/snapshots/c/x.jpg", Type: result.JPEG, Time: time.Date(2026, 11, 22, 14, 36, 59, 987_654_321, time.FixedZone("CET", 3600)), Size: 4711,
		},
	}
	for want, r := range map[string]result.Result{
		`{"specversion":"1.0","id":"01936f3e-8a5b-7c3d-9e2f-1a2b3c4d5e6f","source":"urn:overshoot:agent:pi-01/door",` +
			`"type":"ai.overshoot.result.v1","subject":"door/people","time":"2026-11-22T13:37:00.123Z","datacontenttype":"application/json",` +
			`"sequence":"00000000000000012345","data":{"camera":"door","watch":"people","prompt":"people","labels":{"site":"north"},` +
			`"stream_id":"s-1","model":"m-1","ok":true,"result":{"count":2,"who":"<a & b>"},"finish_reason":"stop","latency_ms":412,` +
			`"usage":{"prompt_tokens":700,"completion_tokens":9,"cached_tokens":640},"replayed":false}}` + "\n": r,
		`{"specversion":"1.0","id":"2","source":"urn:overshoot:agent:a/c","type":"ai.overshoot.result.v1","subject":"c/w",` +
			`"time":"1970-01-01T00:00:00Z","datacontenttype":"application/json","sequence":"00000000000000000001",` +
			`"data":{"camera":"c","watch":"w","prompt":"w","stream_id":"s","model":"m","ok":false,"result":null,"error":"no JSON",` +
			`"finish_reason":"length","latency_ms":0,"usage":{"prompt_tokens":0,"completion_tokens":0},"replayed":false}}` + "\n": failed,
		`{"specversion":"1.0","id":"3","source":"urn:overshoot:agent:a/c","type":"ai.overshoot.result.v1","subject":"c/w",` +
			`"time":"1970-01-01T00:00:00Z","datacontenttype":"application/json","sequence":"00000000000000000001",` +
			`"data":{"camera":"c","watch":"w","prompt":"w","stream_id":"s","model":"m","ok":true,"result":null,` +
			`"latency_ms":0,"usage":{"prompt_tokens":0,"completion_tokens":0},` +
			`"snapshot":{"path":"/r/snapshots/c/x.jpg","type":"image/jpeg","time":"2026-11-22T13:36:59.987Z","size":4711},"replayed":false}}` + "\n": pictured,
	} {
		var got bytes.Buffer
		encoder := json.NewEncoder(&got)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
		if got.String() != want {
			t.Errorf("got  %swant %s", got.String(), want)
		}
	}
}

func TestAnAnswerThatIsNoJSONIsAnError(t *testing.T) {
	if text, err := json.Marshal(result.Result{Answer: json.RawMessage(`{"a":`)}); err == nil {
		t.Errorf("got %s", text)
	}
}

func TestIDsAreUniqueAndOfTheirTime(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := result.NewID()
		if parsed, err := uuid.Parse(id); err != nil || parsed.Version() != 7 || seen[id] {
			t.Fatalf("%s: %v, version %d, seen %v", id, err, parsed.Version(), seen[id])
		}
		seen[id] = true
	}
}

func TestSequencesCountEachCameraAndWatch(t *testing.T) {
	s := result.NewSequences()
	for _, tc := range []struct {
		camera, watch string
		want          uint64
	}{{"a", "w", 1}, {"a", "w", 2}, {"b", "w", 1}, {"a", "v", 1}, {"a", "w", 3}} {
		if got := s.Next(tc.camera, tc.watch); got != tc.want {
			t.Errorf("%s/%s: got %d, want %d", tc.camera, tc.watch, got, tc.want)
		}
	}
}

package webhook

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// view returns an event as a template sees it: under the names of its JSON, and with the keys that JSON leaves out when they are empty.
// Those it takes from blank, which stays as it is.
func view(r result.Result, blank map[string]any) (map[string]any, error) {
	event, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	fillIn(event, blank)
	return event, nil
}

// blankView returns the event of a result that leaves nothing out, without labels.
func blankView() (map[string]any, error) {
	event, err := viewOf(sample())
	if err != nil {
		return nil, err
	}
	event["data"].(map[string]any)["labels"] = map[string]any{}
	return event, nil
}

func viewOf(r result.Result) (map[string]any, error) {
	text, err := marshal(r)
	if err != nil {
		return nil, err
	}
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		return nil, err
	}
	return withNumbers(event).(map[string]any), nil
}

// sample is a result that leaves nothing out.
func sample() result.Result {
	return result.Result{
		ID: "00000000-0000-7000-8000-000000000000", Sequence: 1, Time: time.Unix(0, 0), Agent: "agent", Camera: "camera", Watch: "watch",
		Labels: map[string]string{"label": "value"}, StreamID: "stream", Model: "model", OK: true, Answer: json.RawMessage(`"answer"`), Error: "error",
		FinishReason: "stop", Latency: time.Second, Usage: result.Usage{PromptTokens: 1, CompletionTokens: 1, CachedTokens: 1},
		Snapshot: &result.Snapshot{Path: "path", Type: result.JPEG, Time: time.Unix(0, 0), Size: 1}, Replayed: true,
	}
}

// fillIn adds to an event the keys that only blank has, with empty values.
func fillIn(event, blank map[string]any) {
	for key, value := range blank {
		below, isMap := value.(map[string]any)
		there, found := event[key]
		switch {
		case found && isMap:
			if deeper, ok := there.(map[string]any); ok {
				fillIn(deeper, below)
			}
		case found:
		case isMap:
			event[key] = map[string]any{}
		default:
			event[key] = empty(value)
		}
	}
}

func empty(value any) any {
	switch value.(type) {
	case number:
		return number(0)
	case bool:
		return false
	}
	return ""
}

// number prints as people write it. For text/template it is a floating-point number, whatever the model wrote, so that a comparison does
// not depend on whether an answer is 1 or 1.0.
type number float64

func (n number) String() string { return strconv.FormatFloat(float64(n), 'f', -1, 64) }

// withNumbers puts a number in the place of each float64.
func withNumbers(value any) any {
	switch value := value.(type) {
	case float64:
		return number(value)
	case map[string]any:
		for key := range value {
			value[key] = withNumbers(value[key])
		}
	case []any:
		for i := range value {
			value[i] = withNumbers(value[i])
		}
	}
	return value
}

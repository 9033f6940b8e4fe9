package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// title says in one line where a result comes from.
func title(r result.Result) string { return r.Camera + ": " + r.Watch }

// message says a result in words for people.
func message(r result.Result) string {
	text := say(answer(r))
	if r.OK {
		return text
	}
	if text == "" {
		return "no answer: " + r.Error
	}
	return "not the answer that was asked for: " + r.Error + "\n" + text
}

// answer returns the JSON of an answer, nil for none, such that encoding/json refuses one that is no JSON.
func answer(r result.Result) json.RawMessage {
	if len(r.Answer) == 0 {
		return json.RawMessage("null")
	}
	return r.Answer
}

// say writes a JSON value the way a person would: texts as they are, objects as "people: 2, dog: true".
func say(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || len(fields) == 0 {
		return string(raw)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, fmt.Sprintf("%s: %s", name, say(fields[name])))
	}
	return strings.Join(parts, ", ")
}

// short cuts a text to so many characters.
func short(text string, length int) string {
	if runes := []rune(text); len(runes) > length {
		return string(runes[:length-1]) + "…"
	}
	return text
}

package overshoot

import (
	"encoding/json"
	"fmt"
	"strings"
)

// envelope is what a refusal says, whichever form it came in.
type envelope struct {
	code, kind, message string
	expectedRegion      string
	upstreamStatus      int
}

// decodeEnvelope reads every error body that the service, its older generations and
// what stands before them are known to send:
//
//	{"detail": "text"}                                                  streams, billing
//	{"detail": {"error": {"message", "type", "code", "upstream"}}}      chat
//	{"detail": {"error": "region_error", "expected_region"}}            wrong region
//	{"error": "validation_error", "message", "details": [{"loc", "msg"}]} validation
//	{"detail": [{"loc", "msg"}]}                                        its framework
//	{"error": "code", "message", "request_id"}                          v0.2
//	anything else                                                       proxies
//
// The forms differ in depth and overlap in names, so it gathers each name from
// wherever it stands. Mind that "error" is an object in one and a code in others.
func decodeEnvelope(body []byte) envelope {
	top := object(body)
	detail := object(top["detail"])
	layers := []fields{top, detail, object(top["error"]), object(detail["error"])}

	said := envelope{
		code:           first(layers, "code"),
		kind:           first(layers, "type"),
		message:        first(layers, "message"),
		expectedRegion: first(layers, "expected_region"),
	}
	if said.code == "" {
		said.code = first(layers, "error")
	}
	if !isWord(said.expectedRegion, maxRegion) {
		said.expectedRegion = "" // it goes into a header
	}
	for _, layer := range layers {
		var upstream struct {
			Status optional[float64] `json:"status"`
		}
		if json.Unmarshal(layer["upstream"], &upstream) == nil && upstream.Status.known {
			said.upstreamStatus = int(integer(upstream.Status, 0))
		}
	}
	said.message = joinNonEmpty(": ", said.message, text(top["detail"]), problems(top["details"]), problems(top["detail"]))
	if said == (envelope{}) {
		said.message = string(body)
	}
	return said
}

// fields is a JSON object; nil stands for anything else.
type fields map[string]json.RawMessage

func object(raw []byte) fields {
	var f fields
	if json.Unmarshal(raw, &f) != nil {
		return nil
	}
	return f
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// first returns the first string of that name.
func first(layers []fields, name string) string {
	for _, layer := range layers {
		if s := text(layer[name]); s != "" {
			return s
		}
	}
	return ""
}

// problems reads a list of validation errors as "body.messages: field required; ...".
func problems(raw json.RawMessage) string {
	var list []optional[struct {
		Loc optional[[]any]  `json:"loc"`
		Msg optional[string] `json:"msg"`
	}]
	if json.Unmarshal(raw, &list) != nil {
		return ""
	}
	var lines []string
	for _, problem := range list {
		var path []string
		for _, step := range problem.value.Loc.value {
			path = append(path, fmt.Sprint(step))
		}
		if line := joinNonEmpty(": ", strings.Join(path, "."), problem.value.Msg.value); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}

func joinNonEmpty(separator string, texts ...string) string {
	var kept []string
	for _, s := range texts {
		if s != "" {
			kept = append(kept, s)
		}
	}
	return strings.Join(kept, separator)
}

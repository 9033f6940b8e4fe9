package model

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

var scene = Scene{
	{Counter: 100, Camera: 3, Brightness: 99.514, Color: "blue", Motion: 0.2, Width: 1280, Height: 720},
	{Counter: 115, Camera: 3, Brightness: 104.5, Color: "cyan", Motion: 4.25, Width: 1280, Height: 720},
}

func ask(t *testing.T, schema string, scene Scene) string {
	t.Helper()
	answer, err := Ask(Question{Text: "what?", Scene: scene, Format: Format{JSON: true, Schema: json.RawMessage(schema)}})
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return answer.Content
}

func TestSchemaIsFilledWithWhatIsSeen(t *testing.T) {
	tests := []struct{ schema, want string }{
		{
			`{"type":"object","properties":{"counter":{"type":"integer"},"camera":{"type":"number"},"brightness":{"type":"number"},"color":{"type":"string"},"motion":{"type":"number"},"moving":{"type":"boolean"}},"required":["counter"]}`,
			`{"brightness":104.5,"camera":3,"color":"cyan","counter":115,"motion":4.25,"moving":true}`,
		},
		{
			`{"type":"object","properties":{"firstCounter":{"type":"integer"},"last_counter":{"type":"integer"},"frames":{"type":"integer"},"dominantColour":{"enum":["blue","cyan","red"]}}}`,
			`{"dominantColour":"cyan","firstCounter":100,"frames":2,"last_counter":115}`,
		},
		{`{"type":"object","properties":{"counter":{"type":"integer","maximum":50}}}`, `{"counter":50}`},
		{`{"type":"object","properties":{"counter":{"type":"integer","minimum":200}}}`, `{"counter":200}`},
		{`{"type":"object","properties":{"counter":{"type":"integer","multipleOf":10}}}`, `{"counter":110}`},
		{`{"type":"object","properties":{"counter":{"type":"string","maxLength":2}}}`, `{"counter":"11"}`},
		{`{"type":"object","properties":{"colors":{"type":"array","items":{"type":"string"},"minItems":2}}}`, `{"colors":["cyan","cyan"]}`},
		{`{"type":"object","properties":{"scene":{"type":"object","properties":{"counter":{"type":["null","integer"]}}}}}`, `{"scene":{"counter":115}}`},
		{`{"$defs":{"n":{"type":"integer"}},"type":"object","properties":{"counter":{"$ref":"#/$defs/n"}}}`, `{"counter":115}`},
		{`{"type":"object","properties":{"counter":{"anyOf":[{"type":"null"},{"type":"integer"}]},"kind":{"const":"scene"}},"additionalProperties":false}`, `{"counter":115,"kind":"scene"}`},
		{`{"type":"object","required":["color"]}`, `{"color":"cyan"}`},
		{`{"type":"integer","minimum":7,"maximum":7}`, `7`},
	}
	for _, test := range tests {
		if got := ask(t, test.schema, scene); got != test.want {
			t.Errorf("%s: got %s, want %s", test.schema, got, test.want)
		}
	}
}

func TestMadeUpValuesFitTheirSchemaAndDependOnThePicture(t *testing.T) {
	const schema = `{"type":"object","properties":{"people":{"type":"integer","minimum":0},"risk":{"enum":["low","mid","high"]},"open":{"type":"boolean"},
		"share":{"type":"number","minimum":0,"maximum":1},"why":{"type":"string","minLength":100,"maxLength":120},"tags":{"type":"array","items":{"type":"string"},"maxItems":3}},
		"required":["people","risk","open","share","why","tags"],"additionalProperties":false}`
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := compile(document)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]bool{}
	for counter := 0; counter < picture.CounterPeriod; counter += 10 {
		seen := Scene{{Counter: counter, Camera: 1, Color: "red"}}
		got := ask(t, schema, seen)
		if got != ask(t, schema, seen) {
			t.Errorf("counter %d: the same question got two answers", counter)
		}
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(got)))
		if err != nil || compiled.Validate(instance) != nil {
			t.Errorf("counter %d: %s does not fit: %v", counter, got, err)
		}
		var fields map[string]any
		_ = json.Unmarshal([]byte(got), &fields)
		delete(fields, "why")
		short, _ := json.Marshal(fields)
		answers[string(short)] = true
	}
	if len(answers) < 3 {
		t.Errorf("only %d different answers over a whole period", len(answers))
	}
}

func TestSchemasThatCannotBeFilledAreRefused(t *testing.T) {
	for _, schema := range []string{
		`{"type":"object","properties":{"plate":{"type":"string","pattern":"^[A-Z]{3}-[0-9]+$"}}}`,
		`{"type":"wrong"}`, `{"$ref":"file:///etc/passwd"}`, `{"$ref":"http://example.test/schema.json"}`,
		`{"type":"object","properties":{"a":{"$ref":"#"}},"required":["a"]}`,
		`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"$ref":"#"}}}`,
		`{"type":"array","minItems":50,"items":{"type":"array","minItems":50,"items":{"type":"array","minItems":50}}}`,
		`{`, `{"allOf":[{"type":"string"},{"type":"integer"}]}`,
	} {
		if answer, err := Ask(Question{Scene: scene, Format: Format{JSON: true, Schema: json.RawMessage(schema)}}); err == nil {
			t.Errorf("%s: got %s", schema, answer.Content)
		}
	}
}

func TestPlainAnswers(t *testing.T) {
	tests := []struct {
		name  string
		scene Scene
		want  string
	}{
		{"frame", scene[1:], "Frame 115 of camera 3: brightness 104.5, mostly cyan, motion 4.2."},
		{"video", scene, "Frames 100 to 115 (2 pictures) of camera 3: brightness 104.5, mostly cyan, motion 4.2."},
		{"text only", nil, "There is no picture to look at."},
	}
	for _, test := range tests {
		answer, err := Ask(Question{Text: "12345", Scene: test.scene})
		if err != nil || answer.Content != test.want {
			t.Errorf("%s: got %q, %v", test.name, answer.Content, err)
		}
		if want := 2 + 280*len(test.scene); answer.Usage.PromptTokens != want || answer.Usage.CompletionTokens != (len(test.want)+3)/4 {
			t.Errorf("%s: usage %+v, want %d prompt tokens", test.name, answer.Usage, want)
		}
	}
	answer, err := Ask(Question{Scene: scene, Format: Format{JSON: true}})
	var fields map[string]any
	if err != nil || json.Unmarshal([]byte(answer.Content), &fields) != nil || fields["counter"] != 115.0 || fields["frames"] != 2.0 {
		t.Errorf("json_object: %q, %v", answer.Content, err)
	}
}

func TestCapCutsTheAnswer(t *testing.T) {
	answer, err := Ask(Question{Scene: scene, MaxTokens: 3})
	if err != nil || answer.Content != "Frames 100 t" || !answer.Cut || answer.Usage.CompletionTokens != 3 {
		t.Errorf("got %+v, %v", answer, err)
	}
	if answer, _ = Ask(Question{Scene: scene, MaxTokens: 300}); answer.Cut {
		t.Error("cut although the cap is large enough")
	}
	if got := cutText("aé", 2); got != "a" {
		t.Errorf("cut inside a character: %q", got)
	}
}

func TestCost(t *testing.T) {
	m := Model{Input: 10, Output: 40, Cached: 2}
	if got := m.Cost(Usage{PromptTokens: 100, CachedTokens: 30, CompletionTokens: 5}); got != 70*10+30*2+5*40 {
		t.Errorf("cost %d", got)
	}
	m.Cached = 0
	if got := m.Cost(Usage{PromptTokens: 100, CachedTokens: 30}); got != 1000 {
		t.Errorf("without a price for cached input: %d", got)
	}
}

// FuzzSchema: no schema of a stranger makes the model panic or answer what the schema refuses.
func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"counter":{"type":"integer","multipleOf":0.1,"maximum":1e300}}}`)
	f.Add(`{"enum":[]}`)
	f.Add(`{"type":"array","minItems":1e9,"items":{"const":null}}`)
	f.Add(`{"type":[],"minLength":-5,"maxLength":-1}`)
	f.Add(`true`)
	f.Fuzz(func(t *testing.T, schema string) {
		answer, err := Ask(Question{Scene: scene, Format: Format{JSON: true, Schema: json.RawMessage(schema)}})
		if err == nil && !json.Valid([]byte(answer.Content)) {
			t.Errorf("%s: %q is not JSON", schema, answer.Content)
		}
	})
}

package model

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of an answer, for schemas that refer to themselves or ask for lists of lists.
const (
	maxDepth  = 16
	maxValues = 5000
)

// fillSchema makes an answer that a schema accepts, with whatever of the scene its property names ask for.
func fillSchema(raw json.RawMessage, scene Scene, serial int64) (string, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("the schema is not JSON: %w", err)
	}
	schema, err := compile(document)
	if err != nil {
		return "", err
	}
	f := filler{scene: scene, serial: serial, root: document, left: new(int)}
	*f.left = maxValues
	value, err := f.value("", document, 0)
	if err != nil {
		return "", err
	}
	content, err := compact(value)
	if err != nil {
		return "", err
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(content))
	if err != nil {
		return "", fmt.Errorf("reading the answer back: %w", err)
	}
	if err := schema.Validate(instance); err != nil {
		return "", fmt.Errorf("this model cannot fill the schema: %w", err)
	}
	return content, nil
}

// compile reads a schema that may refer to itself but to no other document: it comes from strangers.
func compile(document any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource("response_format.json", document); err != nil {
		return nil, fmt.Errorf("the schema cannot be read: %w", err)
	}
	schema, err := compiler.Compile("response_format.json")
	if err != nil {
		return nil, fmt.Errorf("the schema is not valid: %w", err)
	}
	return schema, nil
}

type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas may not refer to other documents")
}

// A filler makes values for schemas.
type filler struct {
	scene  Scene
	serial int64 // of the answer
	root   any   // the whole document, for references
	left   *int  // values that may still be made
}

// value makes a value for a property called name ("" for the answer itself).
func (f filler) value(name string, schema any, depth int) (any, error) {
	if *f.left--; depth > maxDepth || *f.left < 0 {
		return nil, errors.New("the schema asks for too deep or too large an answer")
	}
	object, ok := schema.(map[string]any)
	if !ok { // true: anything goes
		return f.text(name), nil
	}
	if next, ok := f.detour(object); ok {
		return f.value(name, next, depth+1)
	}
	if constant, ok := object["const"]; ok {
		return constant, nil
	}
	if members, ok := object["enum"].([]any); ok && len(members) > 0 {
		return f.member(name, members), nil
	}
	switch kind := typeOf(object); kind {
	case "object":
		return f.object(object, depth)
	case "array":
		return f.array(name, object, depth)
	case "integer", "number":
		return f.number(name, object, kind == "integer"), nil
	case "boolean":
		return f.boolean(name), nil
	case "null":
		return nil, nil
	default:
		return fitText(f.text(name), object), nil
	}
}

// detour returns the schema that stands in for this one: a reference's target or the first alternative that is not null.
func (f filler) detour(object map[string]any) (any, bool) {
	if reference, ok := object["$ref"].(string); ok {
		return f.resolve(reference)
	}
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		alternatives, _ := object[keyword].([]any)
		for _, alternative := range alternatives {
			if a, ok := alternative.(map[string]any); !ok || a["type"] != "null" {
				return alternative, true
			}
		}
	}
	return nil, false
}

// resolve follows a reference within the document, such as #/$defs/person.
func (f filler) resolve(reference string) (any, bool) {
	path, ok := strings.CutPrefix(reference, "#")
	if !ok {
		return nil, false
	}
	at := f.root
	for _, step := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
		if step == "" {
			continue
		}
		object, ok := at.(map[string]any)
		if !ok {
			return nil, false
		}
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return at, at != nil
}

// typeOf returns the type a schema asks for: the first one that is not null, or what its keywords let one guess.
func typeOf(object map[string]any) string {
	switch kind := object["type"].(type) {
	case string:
		return kind
	case []any:
		for _, k := range kind {
			if k != "null" {
				text, _ := k.(string)
				return text
			}
		}
		return "null"
	}
	switch {
	case object["properties"] != nil || object["required"] != nil:
		return "object"
	case object["items"] != nil:
		return "array"
	case object["minimum"] != nil || object["maximum"] != nil:
		return "number"
	default:
		return "string"
	}
}

// object fills all properties, and those that are required without being described.
func (f filler) object(schema map[string]any, depth int) (any, error) {
	filled := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for name, property := range properties {
		value, err := f.value(name, property, depth+1)
		if err != nil {
			return nil, err
		}
		filled[name] = value
	}
	required, _ := schema["required"].([]any)
	for _, r := range required {
		name, _ := r.(string)
		if _, done := filled[name]; done {
			continue
		}
		value, err := f.value(name, true, depth+1)
		if err != nil {
			return nil, err
		}
		filled[name] = value
	}
	if len(filled) == 0 && schema["additionalProperties"] != false {
		return f.scene.object(), nil
	}
	return filled, nil
}

// array fills one item, or as many as there must be.
func (f filler) array(name string, schema map[string]any, depth int) (any, error) {
	count := max(1, whole(schema["minItems"], 1))
	count = min(count, whole(schema["maxItems"], count), 100)
	items, given := schema["items"]
	if !given {
		items = true
	}
	filled := make([]any, 0, count)
	for range count {
		value, err := f.value(name, items, depth+1)
		if err != nil {
			return nil, err
		}
		filled = append(filled, value)
	}
	return filled, nil
}

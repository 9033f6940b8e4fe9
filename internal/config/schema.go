package config

import (
	"bytes"
	"encoding/json"
)

// Schema is a JSON schema. The zero value is no schema.
type Schema struct {
	// Map is the schema as encoding/json decodes it; nil for no schema. Do not change it.
	Map map[string]any

	// JSON is the schema in canonical form: compact, keys sorted; "" for no schema.
	JSON string
}

// IsZero reports whether there is no schema.
func (s Schema) IsZero() bool { return s.JSON == "" }

// unmarshalNode turns a YAML mapping into JSON.
func (s *Schema) unmarshalNode(d *decoder, n *node) {
	const wanted = "a JSON schema, for example {type: object, properties: {people: {type: integer}}}"
	if n.kind == nullKind {
		return
	}
	if n.kind != mapKind {
		d.wrongType(n, wanted)
		return
	}
	free, ok := d.freeForm(n)
	if !ok {
		return
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	var decoded map[string]any
	err := encoder.Encode(free)
	if err == nil {
		err = json.Unmarshal(text.Bytes(), &decoded)
	}
	if err != nil {
		d.wrongType(n, wanted)
		return
	}
	*s = Schema{Map: decoded, JSON: string(bytes.TrimSpace(text.Bytes()))}
}

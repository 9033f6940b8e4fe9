package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// writeJSON answers with v, which must be encodable, and with fields that no document knows where extra is set.
func writeJSON(w http.ResponseWriter, status int, v any, extra bool) {
	body := encode(v, extra)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// encode writes v as JSON on one line. It panics on values that JSON cannot express: only our own types come here.
func encode(v any, extra bool) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("encoding an answer: %v", err))
	}
	body := bytes.TrimSpace(b.Bytes())
	if extra {
		body = withExtraField(body)
	}
	return body
}

// withExtraField puts a field of a random name and kind first in a JSON object; other values stay as they are. It works
// on the text, so that the order of the documented fields stays.
func withExtraField(body []byte) []byte {
	if len(body) < 3 || body[0] != '{' {
		return body
	}
	values := []string{`null`, `true`, `12.5`, `"extra"`, `[1,"two",null]`, `{"nested":{"deep":[]}}`}
	field := fmt.Sprintf(`{"x_%04x":%s,`, rand.IntN(1<<16), values[rand.IntN(len(values))])
	return append([]byte(field), body[1:]...)
}

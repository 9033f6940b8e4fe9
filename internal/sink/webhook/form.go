package webhook

import (
	"bytes"
	"encoding/json"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A form is how results become the body of a request.
type form struct {
	contentType string
	encode      func(result.Result) ([]byte, error)
	array       bool // a body is a JSON array of what encode makes; else it is one of these
}

// Media types of CloudEvents 1.0 over HTTP, structured and batched mode.
const (
	typeEvent  = "application/cloudevents+json"
	typeEvents = "application/cloudevents-batch+json"
	typeJSON   = "application/json"
)

// cloudEvents are bodies with one event, or with any number of them.
func cloudEvents(batched bool) form {
	encode := func(r result.Result) ([]byte, error) { return marshal(r) }
	if batched {
		return form{typeEvents, encode, true}
	}
	return form{typeEvent, encode, false}
}

// jsonForm is a body with one result in a form of its own.
func jsonForm(encode func(result.Result) ([]byte, error)) form { return form{typeJSON, encode, false} }

// An item is one result, ready to be sent.
type item struct {
	id   string
	text []byte
}

// body puts items together; there is only one where the form has no array.
func (f form) body(items []item) []byte {
	if !f.array {
		return items[0].text
	}
	texts := make([][]byte, len(items))
	for i, each := range items {
		texts[i] = each.text
	}
	return append(append([]byte("["), bytes.Join(texts, []byte(","))...), ']')
}

// marshal writes JSON that nobody will put into a web page.
func marshal(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

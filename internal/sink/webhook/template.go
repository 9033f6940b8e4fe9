package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"text/template"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// maxRendered bounds what a template may write, in bytes.
const maxRendered = 1 << 20

// templateForm returns the form of a body that the user wrote as a text/template over the fields of an event, in which json is a function
// that writes a value as JSON. A key that an event does not have is an error of that event. Where isJSON is set, so is a body that is not JSON.
// What can be known to be wrong before there are events is an error here, with the line in the template.
func templateForm(text string, isJSON bool) (form, error) {
	t, err := template.New("body").Option("missingkey=error").Funcs(template.FuncMap{"json": jsonText}).Parse(text)
	if err != nil {
		return form{}, inTemplate(err)
	}
	if strings.TrimSpace(text) == "" {
		return form{}, errors.New("is empty; write a template, such as {\"text\": {{json .data.result}}}")
	}
	body := bodyTemplate{t, isJSON}
	if err := body.check(); err != nil {
		return form{}, err
	}
	blank, err := blankView()
	if err != nil {
		return form{}, err
	}
	return jsonForm(func(r result.Result) ([]byte, error) {
		event, err := view(r, blank)
		if err != nil {
			return nil, err
		}
		return body.render(event)
	}), nil
}

type bodyTemplate struct {
	*template.Template
	isJSON bool
}

var errNotJSON = errors.New("the template makes no valid JSON of this; write values as {{json .data.result}}, without quotes around them")

func (t bodyTemplate) render(event map[string]any) ([]byte, error) {
	out := &bounded{}
	if err := t.Execute(out, event); err != nil {
		return nil, inTemplate(err)
	}
	if t.isJSON && !json.Valid(out.Bytes()) {
		return nil, errNotJSON
	}
	return out.Bytes(), nil
}

// bounded is a buffer that gets full.
type bounded struct{ bytes.Buffer }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxRendered {
		return 0, errors.New("the body is larger than 1 MiB")
	}
	return b.Buffer.Write(p)
}

// jsonText is the function json of templates.
func jsonText(value any) (string, error) {
	text, err := marshal(value)
	return string(text), err
}

var (
	executing = regexp.MustCompile(`executing "(?:[^"\\]|\\.)*" at `)
	constant  = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")
)

// inTemplate takes out of an error of text/template what only its authors want to know, and leaves the line. It also takes out the texts in
// the piece of the template that is quoted between < and >: a template may hold what nobody else should see.
func inTemplate(err error) error {
	text := err.Error()
	if place, ok := strings.CutPrefix(text, "template: body:"); ok {
		text = "line " + place
	}
	text = executing.ReplaceAllString(text, "")
	if begin, end := strings.Index(text, "<"), strings.LastIndex(text, ">: "); begin >= 0 && end > begin {
		text = text[:begin] + constant.ReplaceAllString(text[begin:end], `"…"`) + text[end:]
	}
	return errors.New("template: " + text)
}

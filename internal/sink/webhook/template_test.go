package webhook_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/webhook"
)

// withBody is the section of a sink with a template.
func withBody(url, body, more string) string {
	quoted, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return "url: " + url + "\nbody: " + string(quoted) + "\n" + more
}

func TestTemplates(t *testing.T) {
	r := listen(t, nil)
	res := answerOf("id-1", `{"people":2,"share":0.5,"big":12345678,"who":"<a & \"b\">","list":[1,"x"],"none":null}`)
	for body, want := range map[string]string{
		`{"text": {{json .data.result.who}}}`: `{"text": "<a & \"b\">"}`,
		`{{json .}}`:                          "",
		`{"n": {{.data.result.people}}, "big": {{.data.result.big}}, "s": {{.data.result.share}}}`: `{"n": 2, "big": 12345678, "s": 0.5}`,
		`{{json .data.result}}`: `{"big":12345678,"list":[1,"x"],"none":null,"people":2,"share":0.5,"who":"<a & \"b\">"}`,
		`{{json (printf "%s sees %v" .data.camera .data.result.people)}}`:                                    `"door sees 2"`,
		`{"many": {{if gt .data.result.people 1.0}}true{{else}}false{{end}}}`:                                `{"many": true}`,
		`{{with .data.result}}{{json .who}}{{end}}`:                                                          `"<a & \"b\">"`,
		`[{{range $i, $x := .data.result.list}}{{if $i}},{{end}}{{json $x}}{{end}}]`:                         `[1,"x"]`,
		`{{json $.data.labels.site}}`:                                                                        `"hq"`,
		`{{with index .data.labels "floor"}}{{json .}}{{else}}"ground"{{end}}`:                               `"ground"`,
		`{{with .data.snapshot}}{{json .path}}{{else}}null{{end}}`:                                           `null`,
		`{"e": {{json .data.error}}, "c": {{.data.usage.cached_tokens}}, "f": {{json .data.finish_reason}}}`: `{"e": "", "c": 0, "f": ""}`,
		`{{define "who"}}{{json .data.watch}}{{end}}{{template "who" .}}`:                                    `"people"`,
		`"{{.time}} {{.sequence}} {{.id}}"`:                                                                  `"2026-11-22T13:37:00.123Z 00000000000000000007 id-1"`,
	} {
		s := open(t, withBody(r.URL, body, ""))
		deliver(t, s, res)
		all := r.requests()
		got := all[len(all)-1]
		if want != "" && got.body != want {
			t.Errorf("%s\n got %s\nwant %s", body, got.body, want)
		}
		if media := got.Header.Get("Content-Type"); media != "application/json" {
			t.Errorf("%s: the content type is %q", body, media)
		}
	}
}

func TestATemplateNeedNotMakeJSON(t *testing.T) {
	r := listen(t, nil)
	deliver(t, open(t, withBody(r.URL, "{{.data.camera}}: {{.data.result.people}} people\n", "headers: {content-type: text/plain}")), results("1")...)
	if got := r.only(t); got.body != "door: 2 people\n" || got.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %q as %v", got.body, got.Header)
	}
}

// What an event lacks fails that event and no other.
func TestAnEventThatDoesNotFitTheTemplateIsRefused(t *testing.T) {
	r := listen(t, nil)
	for body, texts := range map[string][]string{
		`{"n": {{json .data.result.people}}}`:                                     {"template: line 1:", "people"},
		`{"l": {{json .data.labels.floor}}}`:                                      {"template: line 1:", `no entry for key "floor"`},
		`{"l": {{.data.result}}}`:                                                 {"makes no valid JSON", "{{json .data.result}}"},
		`{{if eq .data.result "canary \"x\""}}{{json .data.labels.floor}}{{end}}`: {"floor"},
	} {
		s := open(t, withBody(r.URL, body, ""))
		before := len(r.requests())
		taken, err := s.Deliver(t.Context(), []result.Result{answerOf("1", `"canary \"x\""`)})
		if wantError(t, err, sink.Refused, texts...); taken != 0 || len(r.requests()) != before {
			t.Errorf("%s: took %d", body, taken)
		}
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("it shows the answer: %v", err)
		}
	}
}

func TestATemplateIsBounded(t *testing.T) {
	s := open(t, withBody("http://hook.example/", `[{{range .data.result}}{{json .}}{{json .}}{{json .}}{{end}}]`, ""))
	list := "[" + strings.TrimSuffix(strings.Repeat(`"`+strings.Repeat("x", 1000)+`",`, 500), ",") + "]"
	_, err := s.Deliver(t.Context(), []result.Result{answerOf("1", list)})
	wantError(t, err, sink.Refused, "larger than 1 MiB")
}

// Templates that may work are never refused before there are events.
func TestTemplatesThatCannotBeJudged(t *testing.T) {
	for _, body := range []string{
		`{{if or (eq .data.result.kind "x") (gt .data.result.count 2.0)}}1{{else}}2{{end}}`,
		`{{range .data.result.items}}{{.name.first}}{{end}}`,
		`{{with .data.result.a}}{{.b.c.d}}{{end}}`,
		`{{$x := .data.result}}{{$x.y.z}}`,
		`{{index .data.result "a" "b"}}`,
		`{{(index .data.result 0).name}}`,
		`{{len .data.result.list}}`,
		`{"a": {{.data.result.a}}, "b": "{{.data.result.b}}"}`,
		`{{slice .data.result.text 0 5}}`,
		`{{and .data.result.a .data.result.b .data.result.c .data.result.d .data.result.e}}`,
		`{{if .data.ok}}{{json .data.result.a.b.c}}{{else}}{{json .data.error}}{{end}}`,
		`[{{json .data.result}},{{json .data.result.a}}]`,
	} {
		if _, err := webhook.Decode(section(t, withBody("http://hook.example/", body, ""))); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The sample decides which keys a template may use: it has to have them all.
func TestTheSampleLeavesNothingOut(t *testing.T) {
	var look func(path string, v reflect.Value)
	look = func(path string, v reflect.Value) {
		if v.IsZero() {
			t.Errorf("%s is empty in the sample", path)
		}
		if v.Kind() == reflect.Struct && v.Type().PkgPath() == reflect.TypeFor[result.Result]().PkgPath() {
			for i := range v.NumField() {
				look(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		}
	}
	look("result", reflect.ValueOf(webhook.Sample()))
}

package config

import (
	"reflect"
	"time"
)

// Watch is one question asked of a camera again and again.
type Watch struct {
	// Name is unique among the watches and stands in results, logs and metrics.
	Name string `yaml:"-"`

	// Prompt is the question. Required.
	Prompt string `yaml:"prompt"`

	// System is an instruction that precedes the prompt. Default: none.
	System string `yaml:"system"`

	// Model answers. Required.
	Model string `yaml:"model"`

	// Fallback are models to ask in this order when Model is unavailable. Default: none.
	Fallback []string `yaml:"fallback"`

	// Every is the time from one question to the next, at least 100ms. Required.
	Every Duration `yaml:"every"`

	// Look is what the model sees. Default: frame, the newest picture.
	Look Look `yaml:"look"`

	// MaxTokens bounds the length of an answer. Default: 128.
	MaxTokens int `yaml:"max_tokens"`

	// Temperature is passed to the model, 0 to 2. Default: nil, the model's own.
	Temperature *float64 `yaml:"temperature"`

	// Schema is the JSON schema the answer must obey. Default: none, free text.
	Schema Schema `yaml:"schema"`

	// Timeout bounds one question with its answer. Default: 30s.
	Timeout Duration `yaml:"timeout"`

	// Snapshot has each result carry a reference to a picture of what it is about, in the folder of the first file sink among Sinks.
	// Default: false.
	Snapshot bool `yaml:"snapshot"`

	// Sinks are the names of the sinks that get the results. Required.
	Sinks []string `yaml:"sinks"`

	// Position is where the watch stands, "file:line:column".
	Position string `yaml:"-"`
}

const (
	minEvery       = Duration(100 * time.Millisecond)
	maxTemperature = 2.0
)

func defaultWatch() Watch {
	return Watch{Look: Look{Frame: true}, MaxTokens: 128, Timeout: Duration(30 * time.Second)}
}

// Equal reports whether both watches say the same, wherever they stand.
func (w Watch) Equal(other Watch) bool {
	w.Position = other.Position
	return reflect.DeepEqual(w, other)
}

// addWatch decodes one entry of the mapping of watches.
func (l *loader) addWatch(e entry) {
	n := e.value
	l.expand.tree(n)
	checkName(l.report, n, "", e.key)
	unique(l.report, l.watches.first, "watch", e.key, n)
	w := defaultWatch()
	w.Name, w.Position = e.key, n.position()
	l.config.Watches = append(l.config.Watches, w)
	l.watches.nodes = append(l.watches.nodes, n)
	if n.kind != mapKind {
		l.decode.wrongType(n, "a watch with prompt, model, every and sinks")
		return
	}
	decoded := &l.config.Watches[len(l.config.Watches)-1]
	l.decode.structure(n, reflect.ValueOf(decoded).Elem())
	decoded.check(l.report, n)
}

func (w Watch) check(r *report, n *node) {
	if w.Prompt == "" {
		r.key(n, "prompt", "the watch asks nothing; write for example prompt: \"How many people are visible?\"")
	}
	if w.Model == "" {
		r.key(n, "model", "the watch has no model; write for example model: google/gemma-4-26B-A4B-it")
	}
	switch {
	case n.get("every") == nil:
		r.key(n, "every", "the watch does not say how often to ask; write for example every: 2s")
	case w.Every < minEvery:
		r.key(n, "every", "found %s; write %s or more", w.Every, minEvery)
	}
	if w.MaxTokens < 1 {
		r.key(n, "max_tokens", "found %d; write 1 or more", w.MaxTokens)
	}
	if t := w.Temperature; t != nil && (*t < 0 || *t > maxTemperature) {
		r.key(n, "temperature", "found %v; write a number from 0 to %v", *t, maxTemperature)
	}
	if w.Timeout <= 0 {
		r.key(n, "timeout", "found %s; write more than 0s, for example 30s", w.Timeout)
	}
	if len(w.Sinks) == 0 {
		r.key(n, "sinks", "the results of the watch go nowhere; write for example sinks: [archive], a name from sinks")
	}
}

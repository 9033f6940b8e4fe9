package model

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// movingFrom is the motion from which a scene is called moving.
const movingFrom = 1.0

// A Scene is what a model gets to see: the readings of all its pictures, in order. It may be empty.
type Scene []picture.Reading

// A Format is the shape an answer must have.
type Format struct {
	JSON   bool            // one JSON object
	Schema json.RawMessage // and this JSON Schema; empty: any object
}

// A Question is all that a model is given.
type Question struct {
	Text      string // all text, of every role
	Scene     Scene
	Format    Format
	MaxTokens int   // cap of the answer; 0: none
	Serial    int64 // of the answer: what a property of that name gets, so that no two answers are the same
}

// Usage counts tokens: four bytes of text, or a 280th of a picture.
type Usage struct {
	PromptTokens     int
	CompletionTokens int
	CachedTokens     int // the part of PromptTokens that came from a prompt cache
}

// An Answer is what a model says.
type Answer struct {
	Content string
	Cut     bool // the cap ended it
	Usage   Usage
}

// Ask answers a question from what is in the pictures; the same question gives the same answer. The error says why the
// schema cannot be filled.
func Ask(q Question) (Answer, error) {
	content, err := q.content()
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Content: content}
	if q.MaxTokens > 0 && Tokens(content) > q.MaxTokens {
		answer.Content, answer.Cut = cutText(content, 4*q.MaxTokens), true
	}
	answer.Usage = Usage{
		PromptTokens:     Tokens(q.Text) + len(q.Scene)*TokensPerFrame,
		CompletionTokens: Tokens(answer.Content),
	}
	return answer, nil
}

// Tokens returns how many tokens a text counts as.
func Tokens(text string) int { return (len(text) + 3) / 4 }

func (q Question) content() (string, error) {
	switch {
	case len(q.Format.Schema) > 0:
		return fillSchema(q.Format.Schema, q.Scene, q.Serial)
	case q.Format.JSON:
		return compact(q.Scene.object())
	default:
		return q.Scene.sentence(), nil
	}
}

// last returns the reading of the newest picture: the one that questions about "now" are about.
func (s Scene) last() picture.Reading {
	if len(s) == 0 {
		return picture.Reading{Counter: -1, Camera: -1, Color: "none"}
	}
	return s[len(s)-1]
}

func (s Scene) first() picture.Reading {
	if len(s) == 0 {
		return s.last()
	}
	return s[0]
}

// motion returns the greatest motion of all pictures.
func (s Scene) motion() float64 {
	most := 0.0
	for _, reading := range s {
		most = max(most, reading.Motion)
	}
	return round(most)
}

func (s Scene) moving() bool { return s.motion() >= movingFrom }

// sentence describes the scene in words.
func (s Scene) sentence() string {
	last := s.last()
	what := fmt.Sprintf("Frame %d", last.Counter)
	switch {
	case len(s) == 0:
		return "There is no picture to look at."
	case len(s) > 1:
		what = fmt.Sprintf("Frames %d to %d (%d pictures)", s.first().Counter, last.Counter, len(s))
	}
	return fmt.Sprintf("%s of camera %d: brightness %.1f, mostly %s, motion %.1f.", what, last.Camera, last.Brightness, last.Color, s.motion())
}

// object is the answer where JSON is asked for without a schema.
func (s Scene) object() map[string]any {
	last := s.last()
	return map[string]any{
		"counter": last.Counter, "camera": last.Camera, "brightness": round(last.Brightness), "color": last.Color,
		"motion": s.motion(), "moving": s.moving(), "frames": len(s),
		"first_counter": s.first().Counter, "last_counter": last.Counter,
	}
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

// compact writes JSON on one line, with keys in order and no HTML escapes.
func compact(v any) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", fmt.Errorf("writing the answer: %w", err)
	}
	return string(bytes.TrimSpace(b.Bytes())), nil
}

// cutText returns at most n bytes of text, whole characters only.
func cutText(text string, n int) string {
	for n > 0 && n < len(text) && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:min(n, len(text))]
}

// Package result is the value that travels: one answer of a model about one camera.
package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
)

// A Result is one answer. It is not changed once it has an ID.
type Result struct {
	ID       string    // UUIDv7, made once when the answer arrived; the same on every delivery
	Sequence uint64    // counts the results of this camera and watch from 1, without gaps
	Time     time.Time // when the question was asked: the picture is that old

	Agent  string
	Camera string
	Watch  string
	Labels map[string]string // of the camera

	StreamID     string
	Model        string          // that answered
	OK           bool            // the answer is what was asked for; else Error says what is wrong with it
	Answer       json.RawMessage // JSON: what the schema describes, or a string of free text
	Error        string
	FinishReason string // stop, length, …; empty when unknown
	Latency      time.Duration
	Usage        Usage
}

// Usage is what the answer cost, in tokens.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens,omitempty"`
}

// NewID returns the id of a new result.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// Type is the CloudEvents type of a result.
const Type = "ai.overshoot.result.v1"

// event is a CloudEvent in the JSON format (CloudEvents 1.0, JSON event format 1.0.2, structured mode).
type event struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Sequence        string    `json:"sequence"`
	Data            data      `json:"data"`
}

type data struct {
	Camera       string            `json:"camera"`
	Watch        string            `json:"watch"`
	Prompt       string            `json:"prompt"` // the watch again, under the name of the published event format
	Labels       map[string]string `json:"labels,omitempty"`
	StreamID     string            `json:"stream_id"`
	Model        string            `json:"model"`
	OK           bool              `json:"ok"`
	Result       json.RawMessage   `json:"result"`
	Error        string            `json:"error,omitempty"`
	FinishReason string            `json:"finish_reason,omitempty"`
	LatencyMS    int64             `json:"latency_ms"`
	Usage        Usage             `json:"usage"`
	Replayed     bool              `json:"replayed"`
}

// MarshalJSON writes the result as one CloudEvents 1.0 JSON object without line breaks. The sequence has 20 digits, so that it sorts as text.
// Whether <, > and & are escaped is up to the encoder that calls it.
func (r Result) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(event{
		SpecVersion: "1.0", ID: r.ID, Source: "urn:overshoot:agent:" + r.Agent + "/" + r.Camera, Type: Type,
		Subject: r.Camera + "/" + r.Watch, Time: r.Time.UTC().Truncate(time.Millisecond), DataContentType: "application/json",
		Sequence: fmt.Sprintf("%020d", r.Sequence),
		Data: data{
			Camera: r.Camera, Watch: r.Watch, Prompt: r.Watch, Labels: r.Labels, StreamID: r.StreamID, Model: r.Model, OK: r.OK,
			Result: r.Answer, Error: r.Error, FinishReason: r.FinishReason, LatencyMS: r.Latency.Milliseconds(), Usage: r.Usage,
		},
	})
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Type is the CloudEvents type of a result.
const Type = "ai.overshoot.result.v1"

// sourcePrefix stands before the agent and the camera in a CloudEvent's source.
const sourcePrefix = "urn:overshoot:agent:"

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
	Snapshot     *Snapshot         `json:"snapshot,omitempty"`
	Replayed     bool              `json:"replayed"`
}

// MarshalJSON writes the result as one CloudEvents 1.0 JSON object without line breaks. The sequence has 20 digits, so that it sorts as text.
// Whether <, > and & are escaped is up to the encoder that calls it.
func (r Result) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(event{
		SpecVersion: "1.0", ID: r.ID, Source: sourcePrefix + r.Agent + "/" + r.Camera, Type: Type,
		Subject: r.Camera + "/" + r.Watch, Time: r.Time.UTC().Truncate(time.Millisecond), DataContentType: "application/json",
		Sequence: fmt.Sprintf("%020d", r.Sequence),
		Data: data{
			Camera: r.Camera, Watch: r.Watch, Prompt: r.Watch, Labels: r.Labels, StreamID: r.StreamID, Model: r.Model, OK: r.OK,
			Result: r.Answer, Error: r.Error, FinishReason: r.FinishReason, LatencyMS: r.Latency.Milliseconds(), Usage: r.Usage,
			Snapshot: r.Snapshot.truncated(), Replayed: r.Replayed,
		},
	})
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

// truncated returns the snapshot with its time as events have it.
func (s *Snapshot) truncated() *Snapshot {
	if s == nil {
		return nil
	}
	short := *s
	short.Time = s.Time.UTC().Truncate(time.Millisecond)
	return &short
}

// UnmarshalJSON reads what MarshalJSON has written: times and latencies come back in milliseconds, an answer without white space. A text that
// is anything else is an error, and then r is not changed.
func (r *Result) UnmarshalJSON(text []byte) error {
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("reading a result: %w", err)
	}
	if e.SpecVersion != "1.0" || e.Type != Type {
		return fmt.Errorf("reading a result: the event is of type %q, version %q; want %s, 1.0", e.Type, e.SpecVersion, Type)
	}
	agent, ours := strings.CutPrefix(e.Source, sourcePrefix)
	agent, its := strings.CutSuffix(agent, "/"+e.Data.Camera)
	if !ours || !its {
		return fmt.Errorf("reading a result: the source %q is not that of camera %q", e.Source, e.Data.Camera)
	}
	sequence, err := strconv.ParseUint(e.Sequence, 10, 64)
	if err != nil {
		return fmt.Errorf("reading a result: its sequence: %w", err)
	}
	*r = Result{
		ID: e.ID, Sequence: sequence, Time: e.Time, Agent: agent, Camera: e.Data.Camera, Watch: e.Data.Watch, Labels: e.Data.Labels,
		StreamID: e.Data.StreamID, Model: e.Data.Model, OK: e.Data.OK, Answer: e.Data.Result, Error: e.Data.Error,
		FinishReason: e.Data.FinishReason, Latency: time.Duration(e.Data.LatencyMS) * time.Millisecond, Usage: e.Data.Usage,
		Snapshot: e.Data.Snapshot, Replayed: e.Data.Replayed,
	}
	return nil
}

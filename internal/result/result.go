// Package result is the value that travels: one answer of a model about one camera.
package result

import (
	"encoding/json"
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
	Replayed     bool // a person had it delivered again, see Replay of the spool
}

// Usage is what the answer cost, in tokens.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens,omitempty"`
}

// NewID returns the id of a new result.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

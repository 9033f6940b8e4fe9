// Package result is the value that travels: one answer of a model about one camera.
package result

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// A Result is one answer. It is not changed once it was accepted.
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
	Snapshot     *Snapshot // nil: there is none
	Replayed     bool      // a person had it delivered again, see Replay of the spool
}

// A Snapshot refers to a file with a picture of what the answer is about: the nearest picture that stands for itself. It may be gone: such
// files are bounded in number and age.
type Snapshot struct {
	Path string    `json:"path"` // absolute, on the agent's machine
	Type string    `json:"type"` // JPEG or H264
	Time time.Time `json:"time"` // when the picture was taken
	Size int64     `json:"size"` // bytes
}

// The types of a Snapshot.
const (
	JPEG = "image/jpeg"
	H264 = "video/h264" // one access unit as a byte stream (annex B), parameter sets included
)

// Usage is what the answer cost, in tokens.
type Usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	CachedTokens     int `json:"cached_tokens,omitempty"`
}

// NewID returns the id of a new result.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

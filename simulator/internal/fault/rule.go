// Package fault makes calls go wrong on purpose: a rule says which calls it strikes and what happens to them.
package fault

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Rule is one fault. The zero values of its fields mean "any call" and "nothing changed".
type Rule struct {
	// Which calls. Op is one of calllog's; Key and Camera are names; an empty one matches every call.
	Op     string `json:"op,omitempty"`
	Key    string `json:"key,omitempty"`
	Stream string `json:"stream,omitempty"`
	Camera string `json:"camera,omitempty"`

	Skip        int      `json:"skip,omitempty"`        // matching calls that pass before the rule is armed
	Times       *int     `json:"times,omitempty"`       // how often it strikes; -1 for ever, absent: once
	Probability *float64 `json:"probability,omitempty"` // of striking, for each call; absent: 1
	Seed        uint64   `json:"seed,omitempty"`        // of the dice

	// What happens. A rule with a status, a body or body_bytes answers in place of the service; one without changes how
	// the service's own answer arrives.
	Status            int               `json:"status,omitempty"`
	Body              json.RawMessage   `json:"body,omitempty"` // a JSON string is sent as its text, all else as JSON; absent: the fitting envelope
	Headers           map[string]string `json:"headers,omitempty"`
	DelayMS           int               `json:"delay_ms,omitempty"`
	Hang              bool              `json:"hang,omitempty"`                // never answer
	Hangup            bool              `json:"hangup,omitempty"`              // close the connection instead of answering
	TruncateBodyBytes int               `json:"truncate_body_bytes,omitempty"` // cut the body there, below its Content-Length
	SlowLoris         int               `json:"slow_loris,omitempty"`          // bytes of the body per second
	BodyBytes         int64             `json:"body_bytes,omitempty"`          // send a body of so many bytes
	AfterEffect       bool              `json:"after_effect,omitempty"`        // carry the call out first, then spoil its answer
}

// Check tells what is wrong with the rule; operations are the names Op may have.
func (r Rule) Check(operations []string) error {
	switch {
	case r.Op != "" && !slices.Contains(operations, r.Op):
		return fmt.Errorf("op %q is none of %s", r.Op, strings.Join(operations, ", "))
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("status %d is not from 200 to 599", r.Status)
	case r.Times != nil && *r.Times < -1:
		return fmt.Errorf("times %d is neither -1 nor a count", *r.Times)
	case r.Probability != nil && (math.IsNaN(*r.Probability) || *r.Probability < 0 || *r.Probability > 1):
		return fmt.Errorf("probability %v is not from 0 to 1", *r.Probability)
	case r.Skip < 0 || r.DelayMS < 0 || r.TruncateBodyBytes < 0 || r.SlowLoris < 0 || r.BodyBytes < 0:
		return fmt.Errorf("skip, delay_ms, truncate_body_bytes, slow_loris and body_bytes must not be negative")
	case !r.replaces() && !r.spoils() && r.DelayMS == 0 && !r.Hang && !r.Hangup && len(r.Headers) == 0:
		return fmt.Errorf("the rule does nothing: give status, body, headers, delay_ms, hang, hangup, truncate_body_bytes, slow_loris or body_bytes")
	}
	return nil
}

// replaces tells whether the rule answers in place of the service.
func (r Rule) replaces() bool { return r.Status != 0 || len(r.Body) > 0 || r.BodyBytes > 0 }

// spoils tells whether the rule changes how a body is sent.
func (r Rule) spoils() bool { return r.TruncateBodyBytes > 0 || r.SlowLoris > 0 }

// A Call is what a rule is matched against.
type Call struct {
	Op      string
	Key     string
	Streams []string // a chat can name several
	Cameras []string // whose pictures those streams show
}

func (r Rule) matches(call Call) bool {
	return (r.Op == "" || r.Op == call.Op) &&
		(r.Key == "" || r.Key == call.Key) &&
		(r.Stream == "" || slices.Contains(call.Streams, r.Stream)) &&
		(r.Camera == "" || slices.Contains(call.Cameras, r.Camera))
}

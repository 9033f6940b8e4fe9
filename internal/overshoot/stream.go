package overshoot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// Grant is the right to publish into the LiveKit room of a stream. Each keepalive
// brings a new one; earlier ones may be void. It prints and marshals without its
// token.
type Grant struct {
	URL   string // of the LiveKit server, ws or wss
	Token string // a JWT; a secret
}

// String returns the URL only.
func (g Grant) String() string { return "grant for " + redact(g.URL, g.Token) }

// GoString is String, so that %#v keeps the secret too.
func (g Grant) GoString() string { return g.String() }

// MarshalJSON writes String, for loggers that reflect.
func (g Grant) MarshalJSON() ([]byte, error) { return json.Marshal(g.String()) }

// Stream is what create and keepalive tell about a stream.
type Stream struct {
	ID     string
	Region string // where the stream lives; to be given to all later calls, may be ""
	Grant  Grant

	// TTL is the length of the lease and SentAt the moment, with a monotonic
	// reading, just before the request left. The lease surely holds until
	// SentAt.Add(TTL), whatever the clocks of both sides say.
	TTL    time.Duration
	SentAt time.Time

	// ExpiresAtMS is the end of the lease by the server's clock, Unix
	// milliseconds, 0 when not said. For logs and skew checks only.
	ExpiresAtMS int64
}

// StreamState is what the service sees of a stream. Times are Unix milliseconds by
// the server's clock, 0 when not known; indices count from the first frame ever,
// -1 when not known.
type StreamState struct {
	ID        string
	Region    string // where the stream lives, may be ""
	Active    bool   // false once ended, which is final
	EndReason string // free text, for logs

	FirstFrameAtMS           int64
	LastFrameAtMS            int64
	LastFrameIndex           int64
	FirstAvailableFrameIndex int64 // oldest frame still kept
	RetainedFrames           int64
	RecentFPS                float64

	TTL         time.Duration
	ExpiresAtMS int64
	EndedAtMS   int64
}

// Create makes a stream for a publisher and leases it. Creating is not idempotent:
// see [Error.OutcomeUnknown]. If the error is not nil and Stream.ID is not empty,
// the stream exists but cannot be used, and the caller should delete it.
func (c *Client) Create(ctx context.Context) (Stream, error) {
	var stream Stream
	req := request{
		op: OpCreate, method: http.MethodPost, url: c.api + "/streams",
		body: []byte("{}"), timeout: c.controlTimeout,
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		stream, err = decodeStream(r, "")
		return err
	})
	return stream, err
}

// Keepalive renews the lease of a stream and returns a new grant. A stream that is
// lost answers with [KindNotFound] or [KindGone].
func (c *Client) Keepalive(ctx context.Context, id, region string) (Stream, error) {
	var stream Stream
	req := request{
		op: OpKeepalive, method: http.MethodPost, url: c.streamURL(id) + "/keepalive",
		body: []byte("{}"), region: region, timeout: c.controlTimeout,
	}
	if !isStreamID(id) {
		return stream, badStreamID(req.op)
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		stream, err = decodeStream(r, id)
		return err
	})
	return stream, err
}

// Get returns the state of a stream. For a while after its end a stream still
// answers, with Active false; then it answers with [KindNotFound].
func (c *Client) Get(ctx context.Context, id, region string) (StreamState, error) {
	var state StreamState
	req := request{
		op: OpGet, method: http.MethodGet, url: c.streamURL(id),
		region: region, timeout: c.controlTimeout,
	}
	if !isStreamID(id) {
		return state, badStreamID(req.op)
	}
	err := c.do(ctx, req, func(r reply) (err error) {
		state, err = decodeState(r, id)
		return err
	})
	return state, err
}

// Delete ends a stream. A stream that is gone already is no error. Unpublish
// first: the other order races with the service closing the room.
func (c *Client) Delete(ctx context.Context, id, region string) error {
	req := request{
		op: OpDelete, method: http.MethodDelete, url: c.streamURL(id),
		region: region, timeout: c.controlTimeout,
	}
	if !isStreamID(id) {
		return badStreamID(req.op)
	}
	err := c.do(ctx, req, func(reply) error { return nil })
	switch KindOf(err) {
	case KindNotFound, KindGone:
		return nil
	default:
		return err
	}
}

func (c *Client) streamURL(id string) string {
	return c.api + "/streams/" + url.PathEscape(id)
}

func badStreamID(op Op) error {
	return &Error{Op: op, Message: "not a stream id", kind: KindInvalid, unsent: true}
}

// isStreamID accepts UUIDs and other plain words, that is what may stand in a path
// and in an ovs:// URL without escaping.
func isStreamID(id string) bool { return isWord(id, 128) }

type streamBody struct {
	ID          optional[string]  `json:"id"`
	TTLSeconds  optional[float64] `json:"ttl_seconds"`
	ExpiresAtMS optional[float64] `json:"expires_at_ms"`
	Publish     optional[struct {
		Type  optional[string] `json:"type"`
		URL   optional[string] `json:"url"`
		Token optional[string] `json:"token"`
	}] `json:"publish"`
}

// decodeStream reads the answer of create and keepalive. want is the id that was
// asked for, "" for a new stream. What could be read is returned even with an error.
func decodeStream(r reply, want string) (Stream, error) {
	var body streamBody
	if err := json.Unmarshal(r.body, &body); err != nil {
		return Stream{}, err
	}
	id, err := decodeID(body.ID, want)
	if err != nil {
		return Stream{}, err
	}
	stream := Stream{
		ID: id, Region: r.region, SentAt: r.sentAt,
		TTL:         seconds(body.TTLSeconds),
		ExpiresAtMS: integer(body.ExpiresAtMS, 0),
	}
	if stream.TTL <= 0 {
		return stream, errors.New("the answer has no positive ttl_seconds")
	}
	publish := body.Publish.value
	if !body.Publish.known || publish.URL.value == "" || publish.Token.value == "" {
		return stream, errors.New("the answer has no credentials to publish with")
	}
	if t := publish.Type; t.known && t.value != "livekit" {
		return stream, fmt.Errorf("the answer wants publishing by %q, not livekit", t.value)
	}
	stream.Grant = Grant{URL: publish.URL.value, Token: publish.Token.value}
	return stream, nil
}

type stateBody struct {
	ID                       optional[string]  `json:"id"`
	State                    optional[string]  `json:"state"`
	EndReason                optional[string]  `json:"end_reason"`
	FirstFrameAtMS           optional[float64] `json:"first_frame_at_ms"`
	LastFrameAtMS            optional[float64] `json:"last_frame_at_ms"`
	LastFrameIndex           optional[float64] `json:"last_frame_index"`
	FirstAvailableFrameIndex optional[float64] `json:"first_available_frame_index"`
	RetainedFrameCount       optional[float64] `json:"retained_frame_count"`
	RecentFPS                optional[float64] `json:"recent_fps"`
	TTLSeconds               optional[float64] `json:"ttl_seconds"`
	ExpiresAtMS              optional[float64] `json:"expires_at_ms"`
	EndedAtMS                optional[float64] `json:"ended_at_ms"`
}

func decodeState(r reply, want string) (StreamState, error) {
	var body stateBody
	if err := json.Unmarshal(r.body, &body); err != nil {
		return StreamState{}, err
	}
	id, err := decodeID(body.ID, want)
	if err != nil {
		return StreamState{}, err
	}
	if state := body.State.value; state != "active" && state != "ended" {
		return StreamState{}, fmt.Errorf("the state of the stream is %q, neither active nor ended", state)
	}
	return StreamState{
		ID: id, Region: r.region,
		Active:                   body.State.value == "active",
		EndReason:                clean(body.EndReason.value),
		FirstFrameAtMS:           integer(body.FirstFrameAtMS, 0),
		LastFrameAtMS:            integer(body.LastFrameAtMS, 0),
		LastFrameIndex:           integer(body.LastFrameIndex, -1),
		FirstAvailableFrameIndex: integer(body.FirstAvailableFrameIndex, -1),
		RetainedFrames:           integer(body.RetainedFrameCount, 0),
		RecentFPS:                body.RecentFPS.value,
		TTL:                      seconds(body.TTLSeconds),
		ExpiresAtMS:              integer(body.ExpiresAtMS, 0),
		EndedAtMS:                integer(body.EndedAtMS, 0),
	}, nil
}

// decodeID lets a missing id pass where only one stream can be meant, but never
// takes the answer about another stream for ours.
func decodeID(got optional[string], want string) (string, error) {
	switch {
	case !got.known && want != "":
		return want, nil
	case want != "" && got.value != want:
		return "", errors.New("the answer is about another stream")
	case !isStreamID(got.value):
		return "", errors.New("the answer has no usable stream id")
	default:
		return got.value, nil
	}
}

package overshoot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// Op names a call, in errors and as a metric label.
type Op string

// The calls of the service.
const (
	OpCreate    Op = "create"
	OpKeepalive Op = "keepalive"
	OpGet       Op = "get"
	OpDelete    Op = "delete"
	OpModels    Op = "models"
	OpChat      Op = "chat"
	OpBalance   Op = "balance"
	OpPricing   Op = "pricing"
)

// Error is a call that failed. Its texts are safe to log: printable, short and
// without secrets.
type Error struct {
	Op     Op
	Status int // HTTP status, 0 when no answer came

	// Code and Type are the service's own words, "" when it gave none. An answer
	// without content carries its finish_reason as the code.
	Code string
	Type string

	Message        string        // at most 300 characters
	ExpectedRegion string        // where the stream lives, from a 409
	UpstreamStatus int           // status that the model's provider gave, 0 when not said
	RetryAfter     time.Duration // as asked by the service, unbounded, or what is left of it when Held; see Delay

	// Held says that the request was not sent: an earlier 429, which the other fields
	// are from, asked for a pause that is not over yet.
	Held bool

	kind   Kind  // where the status alone does not tell
	unsent bool  // no byte of the request can have reached the service
	cause  error // of the context, if that ended the call
}

// Error tells call, status, the service's words and, where there is one, a remedy.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "overshoot: %s: ", e.Op)
	if e.Status != 0 {
		fmt.Fprintf(&b, "%d ", e.Status)
	}
	if e.Code != "" {
		b.WriteString(e.Code)
	} else {
		b.WriteString(string(e.Kind()))
	}
	for _, text := range []string{e.Message, e.hint()} {
		if text != "" {
			b.WriteString(": " + text)
		}
	}
	return b.String()
}

// Unwrap returns the error of the caller's context if that ended the call, else
// nil. A time limit of the client itself is not a context error: it does not mean
// that the caller is stopping.
func (e *Error) Unwrap() error { return e.cause }

// OutcomeUnknown tells whether the request may have been carried out although it
// failed. After such a Create a stream may exist that nobody knows, for as long as
// a lease lasts, and has to be counted.
func (e *Error) OutcomeUnknown() bool {
	if e.unsent {
		return false
	}
	switch e.Kind() {
	case KindTimeout, KindNetwork, KindServer, KindCanceled:
		return true
	case KindMalformed:
		return e.Status/100 != 3 // a redirect comes from a portal in between
	default:
		return false
	}
}

// Bounds on what the service may ask for by Retry-After: without the first a zero
// would make a hot loop, without the second a slip would silence an agent for days.
const (
	minDelay = time.Second
	maxDelay = 5 * time.Minute
)

// Delay returns how long to leave the service alone before the next try, between
// 1 s and 5 min, or 0 if it did not ask for a pause. A 429 always asks, and so does
// whatever else counts as KindRateLimited.
func (e *Error) Delay() time.Duration {
	if e.RetryAfter <= 0 && e.Kind() != KindRateLimited {
		return 0
	}
	return min(max(e.RetryAfter, minDelay), maxDelay)
}

func (e *Error) hint() string {
	switch {
	case e.Held:
		return "not sent, as the service asked for a pause"
	case e.Kind() == KindUnauthorized:
		return "check the API key"
	case e.Kind() == KindPayment:
		return "add credit to the account"
	case e.Kind() == KindForbidden:
		return "check which user the API key belongs to"
	case e.Op == OpCreate && e.Status == http.StatusNotFound, e.Status/100 == 3:
		return "check the base URL"
	default:
		return ""
	}
}

// maxErrorBody is how much of a refusal is read: only its beginning is shown.
const maxErrorBody = 64 << 10

// refusal is the error of an answer that is no success. A body that cannot be read
// does not matter: the status says enough.
func (t *trip) refusal(response *http.Response) error {
	body, _ := readAtMost(response.Body, min(maxErrorBody, t.client.maxBody))
	said := decodeEnvelope(body)
	return &Error{
		Op:             t.req.op,
		Status:         response.StatusCode,
		Code:           t.safe(said.code),
		Type:           t.safe(said.kind),
		Message:        t.safe(said.message),
		ExpectedRegion: said.expectedRegion,
		UpstreamStatus: said.upstreamStatus,
		RetryAfter:     retry.After(response.Header),
	}
}

// malformed is the error of an answer that was a success but cannot be used.
func (t *trip) malformed(status int, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{Message: err.Error()}
	}
	e.Op, e.Status, e.kind = t.req.op, status, KindMalformed
	e.Code, e.Message = t.safe(e.Code), t.safe(e.Message)
	return e
}

// failure is the error of a request that got no complete answer. Its text comes
// from below and may quote addresses, so it is cleaned and its chain cut.
func (t *trip) failure(ctx context.Context, status int, err error) error {
	e := &Error{
		Op: t.req.op, Status: status, kind: KindNetwork,
		unsent: t.wanted.Load() && !t.connected.Load(),
	}
	if limit, ok := errors.AsType[*timeoutError](context.Cause(ctx)); ok {
		e.kind, err = KindTimeout, limit
	} else if cause := ctx.Err(); cause != nil {
		e.kind, e.cause, err = kindOfContext(cause), cause, cause
	} else if n, ok := errors.AsType[net.Error](err); ok && n.Timeout() {
		e.kind = KindTimeout
	}
	e.Message = t.safe(err.Error())
	if e.kind != KindCanceled {
		// Whatever lies idle may be as dead as this connection was. Dropping it makes a
		// network that went away silently cost one time limit, not one for each.
		t.client.Close()
	}
	return e
}

func (t *trip) safe(text string) string { return clean(text, t.req.key) }

// timeoutError is the cause of a context that ended by a time limit of the client.
type timeoutError struct {
	what  string
	limit time.Duration
}

func (e *timeoutError) Error() string { return e.what + " within " + e.limit.String() }

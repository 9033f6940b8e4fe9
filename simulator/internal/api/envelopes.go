package api

import (
	"net/http"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/calllog"
)

// plainError is the envelope of stream and billing endpoints: a sentence.
type plainError struct {
	Detail string `json:"detail"`
}

func plain(detail string) plainError { return plainError{detail} }

// chatError is the envelope of chat completions.
type chatError struct {
	Detail struct {
		Error chatErrorBody `json:"error"`
	} `json:"detail"`
}

type chatErrorBody struct {
	Message  string    `json:"message"`
	Type     string    `json:"type"`
	Code     string    `json:"code"`
	Upstream *upstream `json:"upstream,omitempty"`
}

// upstream says what the provider behind the service answered.
type upstream struct {
	Provider   string         `json:"provider"`
	Status     int            `json:"status"`
	Body       map[string]any `json:"body"`
	RateLimits map[string]any `json:"rate_limits"`
}

// Types of chat errors.
const (
	typeStream     = "stream_error"
	typeValidation = "validation_error"
	typeProvider   = "provider_error"
	typeUpstream   = "upstream_error"
	typeBilling    = "billing_error"
	typeRateLimit  = "rate_limit_error"
	typeInternal   = "internal_error"
)

// regionError is the envelope of a call that came to the wrong region.
type regionError struct {
	Detail struct {
		Error     string  `json:"error"`
		Expected  string  `json:"expected_region"`
		Requested *string `json:"requested_region"`
	} `json:"detail"`
}

func wrongRegion(expected, requested string) regionError {
	var e regionError
	e.Detail.Error, e.Detail.Expected = "region_error", expected
	if requested != "" {
		e.Detail.Requested = &requested
	}
	return e
}

// A problem is one thing wrong with a request body.
type problem struct {
	Location []any  `json:"loc"`
	Message  string `json:"msg"`
	Type     string `json:"type"`
}

// validationError is the envelope of a body that does not validate.
type validationError struct {
	Error   string    `json:"error"`
	Message string    `json:"message"`
	Details []problem `json:"details"`
}

func invalidBody(problems ...problem) validationError {
	return validationError{Error: "validation_error", Message: problems[0].Message, Details: problems}
}

// frameworkError is the same as the web framework below the service words it.
type frameworkError struct {
	Detail []problem `json:"detail"`
}

// failChat answers with the chat envelope.
func (c *call) failChat(status int, body chatErrorBody) {
	var e chatError
	e.Detail.Error = body
	c.reply(status, e)
}

// envelope is what a fault rule without a body answers: the envelope that the endpoint has for the status.
func (c *call) envelope(status int) []byte {
	return encode(c.envelopeFor(status), false)
}

func (c *call) envelopeFor(status int) any {
	text := http.StatusText(status)
	chat := map[int]chatErrorBody{
		http.StatusBadRequest:          {Message: text, Type: typeValidation, Code: "query_param_invalid"},
		http.StatusPaymentRequired:     {Message: text, Type: typeBilling, Code: "billing_denied"},
		http.StatusForbidden:           {Message: text, Type: typeStream, Code: "stream_unauthorized"},
		http.StatusNotFound:            {Message: text, Type: typeStream, Code: "stream_not_found"},
		http.StatusConflict:            {Message: text, Type: typeStream, Code: "frame_not_yet_produced"},
		http.StatusGone:                {Message: text, Type: typeStream, Code: "frame_evicted"},
		http.StatusTooManyRequests:     {Message: text, Type: typeRateLimit, Code: "rate_limited"},
		http.StatusInternalServerError: {Message: text, Type: typeInternal, Code: "internal_error"},
		http.StatusBadGateway:          {Message: text, Type: typeUpstream, Code: "upstream_request_failed"},
		http.StatusGatewayTimeout:      {Message: text, Type: typeUpstream, Code: "upstream_timeout"},
	}
	body, known := chat[status]
	switch {
	case status == http.StatusUnprocessableEntity && (c.op == calllog.OpChat || c.op == calllog.OpCheckout):
		return invalidBody(problem{[]any{"body"}, "refused by a fault rule", "value_error"})
	case status == http.StatusConflict && c.op != calllog.OpChat:
		return wrongRegion(c.otherRegion(), c.r.Header.Get(regionHeader))
	case c.op == calllog.OpChat && known:
		var e chatError
		e.Detail.Error = body
		return e
	default:
		return plain(text)
	}
}

package overshoot

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// Action is what a caller should do about a failed call.
type Action string

// The actions. All but ActionRetry and ActionWait make repeating the request as it
// was pointless.
const (
	ActionNone       Action = ""            // nothing failed, or the caller itself gave up
	ActionRetry      Action = "retry"       // the same again, later and a few times; see Error.Delay. Chat: then another model
	ActionWait       Action = "wait"        // the same again once more frames have arrived
	ActionConfirm    Action = "confirm"     // the stream may be lost: Get it; active means wait, else recreate
	ActionRecreate   Action = "recreate"    // the stream is lost: make a new one
	ActionOtherModel Action = "other_model" // this model cannot serve it: ask another
	ActionSkip       Action = "skip"        // drop this question, or forget this stream, and go on
	ActionFix        Action = "fix"         // configuration or program is wrong: off until changed
	ActionPause      Action = "pause"       // no money: stop spending until that changes
	ActionStop       Action = "stop"        // KindUnauthorized: stop using the key; KindForbidden: stop this stream
)

// ActionOf returns the action for an error of this package, wrapped or not. A
// foreign error is worth a retry.
func ActionOf(err error) Action {
	if err == nil {
		return ActionNone
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Action()
	}
	return ActionRetry
}

// Action follows the action table of the API contract, by call, code and status.
func (e *Error) Action() Action {
	switch {
	case e.Kind() == KindCanceled:
		return ActionNone
	case e.Op == OpChat:
		return e.chatAction()
	default:
		return e.controlAction()
	}
}

// controlAction serves all calls but chat. Get and keepalive are only made for our
// own streams, so one that is not ours any more is lost.
func (e *Error) controlAction() Action {
	ours := e.Op == OpKeepalive || e.Op == OpGet
	switch e.Kind() {
	case KindUnauthorized:
		return ActionStop
	case KindPayment:
		if e.Op == OpDelete {
			return ActionRetry
		}
		return ActionPause
	case KindForbidden:
		switch {
		case ours:
			return ActionRecreate
		case e.Op == OpDelete:
			return ActionSkip
		}
		return ActionStop
	case KindNotFound, KindGone:
		if ours {
			return ActionRecreate
		}
		return ActionFix
	case KindInvalid:
		if e.Op == OpDelete {
			return ActionSkip
		}
		return ActionFix
	default:
		return ActionRetry
	}
}

// chatAction goes by the code, which is exact, and by the status where the service
// gave none or one that is new to us. The type is never asked: sources disagree
// about it.
func (e *Error) chatAction() Action {
	switch e.Code {
	case "stream_url_invalid", "query_param_invalid":
		return ActionFix
	case "segment_invalid", "provider_safety_block", "frame_evicted":
		return ActionSkip
	case "model_video_unsupported", "model_unavailable":
		return ActionOtherModel
	case "billing_denied":
		return ActionPause
	case "stream_unauthorized":
		return ActionStop
	case "stream_not_found":
		return ActionConfirm
	case "segment_empty", "frame_not_yet_produced":
		return ActionWait
	case "upstream_request_failed", "upstream_timeout":
		return ActionRetry
	}
	if status, ok := e.upstreamHTTP(); ok {
		return upstreamAction(status)
	}
	return e.chatActionByKind()
}

func (e *Error) chatActionByKind() Action {
	switch e.Kind() {
	case KindUnauthorized, KindForbidden:
		return ActionStop
	case KindPayment:
		return ActionPause
	case KindNotFound:
		if e.speaksOfModel() {
			return ActionOtherModel
		}
		return ActionConfirm
	case KindConflict:
		return ActionWait
	case KindGone:
		return ActionSkip
	case KindInvalid:
		return ActionFix
	case KindMalformed:
		// A model that was cut off, or that refused, would do so again at our cost.
		if e.Code == "length" || e.Code == "content_filter" {
			return ActionSkip
		}
		return ActionRetry
	default:
		return ActionRetry
	}
}

// speaksOfModel tells a 404 about a model or its price, whose code nobody
// documents, from one about a stream. Only without a code is the message read.
func (e *Error) speaksOfModel() bool {
	text := e.Code
	if text == "" {
		text = e.Message
	}
	text = strings.ToLower(text)
	return strings.Contains(text, "model") || strings.Contains(text, "price")
}

// upstreamHTTP returns the status that the model's provider gave, if that is what
// the error is about.
func (e *Error) upstreamHTTP() (status int, ok bool) {
	suffix, ok := strings.CutPrefix(e.Code, "upstream_http_")
	if !ok {
		return 0, false
	}
	if e.UpstreamStatus != 0 {
		return e.UpstreamStatus, true
	}
	status, err := strconv.Atoi(suffix)
	return status, err == nil
}

// upstreamAction blames the request for a provider's 4xx, but not for those that
// are between the service and its provider.
func upstreamAction(status int) Action {
	switch status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return ActionRetry
	}
	if status/100 == 4 {
		return ActionFix
	}
	return ActionRetry
}

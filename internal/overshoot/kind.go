package overshoot

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
)

// Kind is the reason of a failure, from a closed list. It serves decisions and
// metric labels alike.
type Kind string

// The reasons.
const (
	KindNone         Kind = ""             // no error, or none of this package
	KindUnauthorized Kind = "unauthorized" // 401, or no key to send
	KindPayment      Kind = "payment"      // 402
	KindForbidden    Kind = "forbidden"    // 403
	KindNotFound     Kind = "not_found"    // 404
	KindRegion       Kind = "region"       // 409: the stream lives elsewhere, and the repeats failed
	KindConflict     Kind = "conflict"     // 409 for another reason
	KindGone         Kind = "gone"         // 410
	KindRateLimited  Kind = "rate_limited" // 429, and a create refused in other words because the key has its fill of streams
	KindInvalid      Kind = "invalid"      // other 4xx, and arguments refused before sending
	KindUnavailable  Kind = "unavailable"  // 503
	KindServer       Kind = "server"       // other 5xx
	KindTimeout      Kind = "timeout"      // a time limit passed, ours, the caller's or a 408
	KindNetwork      Kind = "network"      // no connection, or it broke
	KindMalformed    Kind = "malformed"    // an answer that is not the service's: cut, too large, not JSON, a redirect
	KindCanceled     Kind = "canceled"     // the caller's context was canceled
)

// KindOf returns the reason of an error of this package, wrapped or not, and
// KindNone for nil and for foreign errors.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind()
	}
	return KindNone
}

// Kind returns the reason of the error.
func (e *Error) Kind() Kind {
	if e.kind != KindNone {
		return e.kind
	}
	if e.meansFull() {
		return KindRateLimited
	}
	switch e.Status {
	case http.StatusUnauthorized:
		return KindUnauthorized
	case http.StatusPaymentRequired:
		return KindPayment
	case http.StatusForbidden:
		return KindForbidden
	case http.StatusNotFound:
		return KindNotFound
	case http.StatusRequestTimeout:
		return KindTimeout
	case http.StatusConflict:
		return e.kindOfConflict()
	case http.StatusGone:
		return KindGone
	case http.StatusTooManyRequests:
		return KindRateLimited
	case http.StatusServiceUnavailable:
		return KindUnavailable
	}
	switch {
	case e.Status >= 500:
		return KindServer
	case e.Status >= 400:
		return KindInvalid
	default:
		return KindMalformed
	}
}

// kindOfConflict takes both envelopes of a wrong region, the plain one and chat's.
func (e *Error) kindOfConflict() Kind {
	if e.ExpectedRegion != "" || strings.Contains(e.Code, "region") {
		return KindRegion
	}
	return KindConflict
}

// meansFull tells a create that was refused because the key has as many streams as it
// may. The contract does not name the status for it; besides 429, a 403 or a 503 that
// speaks of a limit is one. Without such words they are about the key and the service.
func (e *Error) meansFull() bool {
	return e.Op == OpCreate && (e.Status == http.StatusForbidden || e.Status == http.StatusServiceUnavailable) &&
		limitWords.MatchString(e.Code+" "+e.Message)
}

var limitWords = regexp.MustCompile(`(?i)(\b|_)(limits?|quota|maximum)(\b|_)|too[ _]many|max_streams|concurren`)

func kindOfContext(err error) Kind {
	if errors.Is(err, context.DeadlineExceeded) {
		return KindTimeout
	}
	return KindCanceled
}

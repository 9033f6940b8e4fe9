package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// maxPause bounds what a Retry-After can ask for: a slip of the server must not silence a sink for days.
const maxPause = 5 * time.Minute

// verdict says what an answer means; nil is success. said is the beginning of its body, sent the body of the request.
func (s *Sink) verdict(response *http.Response, said, sent []byte) error {
	code := response.StatusCode
	if code/100 == 2 {
		return nil
	}
	text := strings.TrimSpace(fmt.Sprintf("%s: %d %s", s.place(), code, http.StatusText(code)))
	if code/100 == 3 {
		text += s.redirect(response, sent)
	} else if piece := s.clean(string(said), sent); piece != "" {
		text += ": " + piece
	}
	e := &sink.Error{Kind: kindOf(code), Err: errors.New(text)}
	if e.Kind == sink.Again {
		e.RetryAfter = min(retry.After(response.Header), maxPause)
	}
	return e
}

// kindOf says what a status that is no success is worth: the rules of Standard Webhooks. A redirect may come from a portal that wants a
// login, and pass. That we are not known (401) is never about one result, and nothing is lost while somebody mends it; 403 and 404 may be,
// for example where a firewall dislikes a word.
func kindOf(code int) sink.Kind {
	switch code {
	case http.StatusGone:
		return sink.Gone
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return sink.Again
	}
	if code/100 == 4 {
		return sink.Refused
	}
	return sink.Again
}

// redirect tells where the server wants us to go. We do not go: what is signed and secret is for the address in the configuration.
func (s *Sink) redirect(response *http.Response, sent []byte) string {
	const advice = "; redirects are not followed, write the final address as the url"
	to, err := url.Parse(response.Header.Get("Location"))
	if err != nil || to.Host == "" || to.Host == s.settings.target.Host && to.Scheme == s.settings.target.Scheme {
		return advice
	}
	return " to " + s.clean(to.Scheme+"://"+to.Host, sent) + advice
}

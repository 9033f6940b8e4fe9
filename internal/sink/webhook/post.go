package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/clienttls"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

const (
	// maxAnswer is how much of an answer is read: enough to say what is wrong, and to use the connection again.
	maxAnswer = 64 << 10
	// patience is how long the body of an answer may take once its status is there, which is all that counts.
	patience = time.Second
)

// post makes one request and judges the answer.
func (s *Sink) post(ctx context.Context, items []item) error {
	body := s.settings.form.body(items)
	limited, cancel := context.WithTimeout(ctx, time.Duration(s.settings.Timeout))
	defer cancel()
	request, err := s.request(limited, deliveryID(items), body)
	if err != nil {
		return s.again("%s", s.clean(err.Error(), body))
	}
	response, err := s.transport.RoundTrip(request)
	if err != nil {
		return s.failure(ctx, limited, err, body)
	}
	defer func() { _ = response.Body.Close() }() // whatever it says, the status has decided
	defer time.AfterFunc(patience, cancel).Stop()
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return s.verdict(response, said, body)
}

// request is never sent by a http.Client, which would follow redirects, and put the whole address into its errors.
func (s *Sink) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, string(s.settings.Method), s.settings.target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = s.settings.header.Clone()
	sign(request.Header, s.settings.keys, id, time.Now(), body)
	return request, nil
}

// failure is the error of a request that got no answer.
func (s *Sink) failure(ctx, limited context.Context, err error, sent []byte) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", s.place(), context.Cause(ctx))
	}
	// Whatever lies idle may be as dead as this connection was.
	s.transport.CloseIdleConnections()
	if limited.Err() != nil {
		return s.again("no answer within %s", s.settings.Timeout)
	}
	if hint := clienttls.Hint(err); hint != "" {
		return s.again("%s; %s", s.clean(err.Error(), sent), hint)
	}
	return s.again("%s", s.clean(err.Error(), sent))
}

// again is an error that will pass.
func (s *Sink) again(format string, args ...any) error {
	return &sink.Error{Kind: sink.Again, Err: fmt.Errorf("%s: %s", s.place(), fmt.Sprintf(format, args...))}
}

// place names the far side. The path stays out: for many services it is all that one needs to post there.
func (s *Sink) place() string {
	return fmt.Sprintf("%s %s://%s", s.settings.Method, s.settings.target.Scheme, s.settings.target.Host)
}

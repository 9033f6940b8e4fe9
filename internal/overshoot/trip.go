package overshoot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"
)

// headerTimeout is how long a server may be silent before its answer begins. Chat is
// exempt: it answers when the model is done, and has its own limit.
const headerTimeout = 10 * time.Second

// trip is one request on its way, with what its errors need to know.
type trip struct {
	client *Client
	req    request
	sentAt time.Time

	wanted, connected atomic.Bool // a connection; written by the transport
}

// send returns once the headers of the answer are there. It uses the transport
// itself, not an http.Client, so that nothing follows redirects with the key.
func (t *trip) send(ctx context.Context) (*http.Response, error) {
	headers, stop := context.WithCancelCause(ctx)
	r, err := t.newRequest(headers)
	if err != nil {
		stop(nil)
		return nil, &Error{Op: t.req.op, Message: "the request cannot be built", kind: KindInvalid, unsent: true}
	}
	if t.req.op != OpChat {
		silence := time.AfterFunc(headerTimeout, func() {
			stop(&timeoutError{"no response headers", headerTimeout})
		})
		defer silence.Stop()
	}
	t.sentAt = time.Now()
	response, err := t.client.transport.RoundTrip(r)
	if err != nil {
		defer stop(nil) // after failure has looked at why the context ended
		return nil, t.failure(headers, 0, err)
	}
	response.Body = &stoppingBody{ReadCloser: response.Body, stop: func() { stop(nil) }}
	return response, nil
}

func (t *trip) newRequest(ctx context.Context) (*http.Request, error) {
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { t.wanted.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { t.connected.Store(true) },
	})
	var body io.Reader
	if t.req.body != nil {
		body = bytes.NewReader(t.req.body)
	}
	r, err := http.NewRequestWithContext(ctx, t.req.method, t.req.url, body)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if t.client.userAgent != "" {
		r.Header.Set("User-Agent", t.client.userAgent)
	}
	if t.req.region != "" {
		r.Header.Set(regionHeader, t.req.region)
	}
	if t.req.key != "" {
		r.Header.Set("Authorization", "Bearer "+t.req.key)
	}
	return r, nil
}

func (t *trip) readBody(ctx context.Context, response *http.Response) ([]byte, error) {
	limit := t.client.maxBody
	body, err := readAtMost(response.Body, limit+1)
	switch {
	case int64(len(body)) > limit:
		return nil, t.malformed(response.StatusCode, fmt.Errorf("the answer is larger than %d bytes", limit))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, t.malformed(response.StatusCode, errors.New("the answer ended early"))
	case err != nil:
		return nil, t.failure(ctx, response.StatusCode, err)
	}
	return body, nil
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	return io.ReadAll(io.LimitReader(r, limit))
}

// stoppingBody ends the context of its request when the body is closed.
type stoppingBody struct {
	io.ReadCloser
	stop func()
}

func (b *stoppingBody) Close() error {
	defer b.stop()
	return b.ReadCloser.Close()
}

package overshoot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// regionHeader names the region that shall serve a request, and the one that did.
const regionHeader = "X-Overshoot-Region"

type request struct {
	op      Op
	method  string
	url     string
	body    []byte        // JSON; nil for none
	region  string        // header of that name; "" for none
	model   string        // that the body asks; "" for none
	open    bool          // to all by the contract, yet seen otherwise in places: sent without a key at first
	key     string        // text of the API key, put in by do; "" for none
	timeout time.Duration // of the whole call, repeats included
}

// reply is an answer whose status was a success.
type reply struct {
	body   []byte
	region string    // that served the request, as far as known
	sentAt time.Time // just before the request left
}

// do makes one call: one exchange, plus the repeats that the package comment names.
// decode sees each successful answer and says whether it is usable.
func (c *Client) do(ctx context.Context, req request, decode func(reply) error) (err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, req.timeout,
		&timeoutError{"no complete answer", req.timeout})
	defer cancel()

	if !isWord(req.region, maxRegion) {
		req.region = "" // out of a damaged journal, say: the service will tell the right one
	}
	if !req.open {
		if req.key, err = c.readKey(); err != nil {
			return &Error{Op: req.op, Message: clean(err.Error()), kind: KindUnauthorized, unsent: true}
		}
	}
	err = c.exchange(ctx, req, decode)
	if KindOf(err) == KindUnauthorized {
		// Somebody may have put a new key in its place since we looked; a list may not be open after all.
		if newest, keyErr := c.readKey(); keyErr == nil && newest != req.key {
			req.key = newest
			err = c.exchange(ctx, req, decode)
		}
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Kind() == KindRegion && e.ExpectedRegion != "" {
		req.region = e.ExpectedRegion
		err = c.exchange(ctx, req, decode)
	}
	if KindOf(err) == KindRegion && req.region != "" {
		req.region = ""
		err = c.exchange(ctx, req, decode)
	}
	return err
}

// exchange sends one request unless the service asked for a pause, judges the answer
// and counts it.
func (c *Client) exchange(ctx context.Context, req request, decode func(reply) error) error {
	if err := c.gate.held(req); err != nil {
		c.metrics.hold(req.op)
		return err
	}
	start := time.Now()
	status, err := c.attempt(ctx, req, decode)
	c.metrics.observe(req.op, outcome(status, err), time.Since(start))
	c.gate.heed(req, err)
	return err
}

func (c *Client) attempt(ctx context.Context, req request, decode func(reply) error) (status int, err error) {
	t := &trip{client: c, req: req}
	response, err := t.send(ctx)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return response.StatusCode, t.refusal(response)
	}
	body, err := t.readBody(ctx, response)
	if err != nil {
		return response.StatusCode, err
	}
	err = decode(reply{body: body, region: servedBy(response, req), sentAt: t.sentAt})
	if err != nil {
		return response.StatusCode, t.malformed(response.StatusCode, err)
	}
	return response.StatusCode, nil
}

// readKey returns the API key, checked to be fit for a header. Its errors do not
// quote the key.
func (c *Client) readKey() (string, error) {
	key, err := c.key()
	if err != nil {
		return "", fmt.Errorf("reading the API key: %w", err)
	}
	key = strings.TrimSpace(key)
	if key == "" {
		return "", errors.New("the API key is empty")
	}
	for _, b := range []byte(key) {
		if b <= ' ' || b > '~' {
			return "", errors.New("the API key contains a blank or a character outside ASCII")
		}
	}
	return key, nil
}

// servedBy prefers what the answer says over what we asked for, as a missing header
// means that the request was served where it was sent.
func servedBy(response *http.Response, req request) string {
	if region := response.Header.Get(regionHeader); isWord(region, maxRegion) {
		return region
	}
	return req.region
}

// Package webhook is the sink that posts results over HTTP: as CloudEvents, signed by the rules of Standard Webhooks where a secret is
// given, or in the form that Slack, Discord, ntfy or a template of the user asks for.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
)

// Sink posts to one address.
type Sink struct {
	settings  Config
	transport transport
	secrets   secret.Scrubber // knows what of the settings must not stand in an error

	suspect string // id of the result that was refused last, when it stood alone
}

// transport is what a sink needs of a *http.Transport.
type transport interface {
	http.RoundTripper
	CloseIdleConnections()
}

// New returns the sink for settings that come from Decode. own is the address, host:port, of the agent's status server, which no result is
// sent to; "" for none. Nothing is opened before the first delivery.
func New(c Config, own string) *Sink {
	s := &Sink{settings: c, transport: newTransport(c, own)}
	s.secrets.Add(c.secrets()...)
	return s
}

// Deliver implements sink.Sink. One request carries one result, or as many as the settings say.
func (s *Sink) Deliver(ctx context.Context, batch []result.Result) (taken int, err error) {
	for taken < len(batch) {
		items, err := s.next(batch[taken:])
		if err != nil {
			return taken, err
		}
		n, err := s.deliver(ctx, items)
		taken += n
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// maxBatchBytes is how much goes into one request with several results. One result alone may be larger: it cannot be helped.
const maxBatchBytes = 1 << 20

// next returns what goes into the next request, at least one result. One that was refused is tried alone, so that its neighbours are not
// sent over and over with it.
func (s *Sink) next(rest []result.Result) (items []item, err error) {
	if rest[0].ID == s.suspect {
		rest = rest[:1]
	}
	size := 0
	for _, r := range rest[:min(s.settings.Batch, len(rest))] {
		text, err := s.settings.form.encode(r)
		if err != nil && len(items) == 0 {
			return nil, &sink.Error{Kind: sink.Refused, Final: true, Err: fmt.Errorf("making the body of the request: %s", s.clean(err.Error(), nil))}
		}
		if size += len(text); err != nil || len(items) > 0 && size > maxBatchBytes {
			break
		}
		items = append(items, item{r.ID, text})
	}
	return items, nil
}

// deliver sends items in one request. When the far side refuses it, it sends the halves, until the one that is refused stands alone:
// those before it are taken, and those after it get their turn when it is out of the way.
func (s *Sink) deliver(ctx context.Context, items []item) (taken int, err error) {
	err = s.post(ctx, items)
	if err == nil {
		return len(items), nil
	}
	if e, ok := errors.AsType[*sink.Error](err); !ok || e.Kind != sink.Refused {
		return 0, err
	}
	if len(items) == 1 {
		s.suspect = items[0].id
		return 0, err
	}
	half := len(items) / 2
	taken, err = s.deliver(ctx, items[:half])
	if err != nil {
		return taken, err
	}
	taken, err = s.deliver(ctx, items[half:])
	return half + taken, err
}

// Close implements sink.Sink.
func (s *Sink) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

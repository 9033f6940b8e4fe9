// Package lease holds streams of the service: it takes a slot of a key, creates the stream, keeps its lease alive, makes a new one when
// it was lost, and deletes it at the end.
//
// All deadlines are monotonic and count from the moment a request was sent. What either side's wall clock says does not matter.
package lease

import (
	"context"
	"sync"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// API is what this package needs of the service; *overshoot.Client has it.
type API interface {
	Create(ctx context.Context) (overshoot.Stream, error)
	Keepalive(ctx context.Context, id, region string) (overshoot.Stream, error)
	Get(ctx context.Context, id, region string) (overshoot.StreamState, error)
	Delete(ctx context.Context, id, region string) error
}

// A Lease is one stream that we hold. Its methods may be called from any goroutine.
type Lease struct {
	ID string

	mu     sync.Mutex
	stream overshoot.Stream

	renewals chan chan error // asks the keeper for a keepalive now
	ended    <-chan struct{}
}

// Grant returns the newest right to publish; earlier ones may be void.
func (l *Lease) Grant() overshoot.Grant { return l.newest().Grant }

// Region returns where the stream lives, for the calls about it.
func (l *Lease) Region() string { return l.newest().Region }

func (l *Lease) newest() overshoot.Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream
}

func (l *Lease) renewed(s overshoot.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stream = s
}

// Renew asks for a keepalive now and blocks until it was answered. Call it for a fresh grant, or when something hints that the stream
// is gone: if it is, the keeper ends the lease. The error is that of the keepalive, or of ctx.
func (l *Lease) Renew(ctx context.Context) error {
	reply := make(chan error, 1)
	select {
	case l.renewals <- reply:
	case <-l.ended:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-reply:
		return err
	case <-l.ended:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

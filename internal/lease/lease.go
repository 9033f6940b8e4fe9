// Package lease holds streams of the service: it creates a stream, or adopts the one of an earlier life, keeps its lease alive, makes a new
// one when it was lost, and deletes it at the end. A journal on disk knows each stream before it is used, so that none is forgotten,
// whatever ends the process.
//
// All deadlines are monotonic and count from the moment a request was sent. What either side's wall clock says does not matter.
package lease

import (
	"context"
	"sync"
	"time"

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

	// What follows belongs to the keeper's goroutine.
	entry   Entry
	over    time.Time // until then the service may keep the stream, whatever became of the newest keepalives
	adopted bool      // from the journal
	renewed bool      // at least once, since we hold it
}

// newLease starts with what a create told, or with as much of it as the journal knew.
func newLease(e Entry, s overshoot.Stream, remaining time.Duration) *Lease {
	l := &Lease{ID: s.ID, stream: s, entry: e, renewals: make(chan chan error)}
	l.mayLive(remaining)
	return l
}

// mayLive notes that the stream may live for d from now.
func (l *Lease) mayLive(d time.Duration) {
	if over := time.Now().Add(d); over.After(l.over) {
		l.over = over
	}
}

// slack is added where a lease has to be over for certain: for clocks that differ, and for a request that is still on its way when we give
// up waiting for its answer.
const slack = 5 * time.Second

// Grant returns the newest right to publish; earlier ones may be void. It has no token while an adopted stream was not renewed yet: Renew,
// which a publisher calls for a fresh grant anyway, waits for that.
func (l *Lease) Grant() overshoot.Grant { return l.newest().Grant }

// Region returns where the stream lives, for the calls about it.
func (l *Lease) Region() string { return l.newest().Region }

func (l *Lease) newest() overshoot.Stream {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream
}

func (l *Lease) replace(s overshoot.Stream) {
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

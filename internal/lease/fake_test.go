package lease_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// fakeAPI is a service whose leases run out as the real ones do. The hooks may be nil, which is all well.
type fakeAPI struct {
	ttl         time.Duration
	onCreate    func(ctx context.Context, n int) error // n counts from 1
	onKeepalive func(n int) error
	hangs       map[int]bool // keepalives without an answer
	onDelete    func() error

	mu         sync.Mutex
	expiry     map[string]time.Time
	creates    []time.Time
	keepalives []time.Time
	gets       int
	deleted    []string
}

func refusal(op overshoot.Op, code int) error { return &overshoot.Error{Op: op, Status: code} }

func (f *fakeAPI) Create(ctx context.Context) (overshoot.Stream, error) {
	f.mu.Lock()
	f.creates = append(f.creates, time.Now())
	n := len(f.creates)
	f.mu.Unlock()
	if f.onCreate != nil {
		if err := f.onCreate(ctx, n); err != nil {
			return overshoot.Stream{}, err
		}
	}
	return f.grant(fmt.Sprintf("stream-%d", n), "token-0"), nil
}

func (f *fakeAPI) grant(id, token string) overshoot.Stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.expiry == nil {
		f.expiry = map[string]time.Time{}
	}
	f.expiry[id] = time.Now().Add(f.ttl)
	return overshoot.Stream{ID: id, TTL: f.ttl, SentAt: time.Now(), Grant: overshoot.Grant{URL: "ws://room", Token: token}}
}

func (f *fakeAPI) lives(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.expiry[id])
}

func (f *fakeAPI) Keepalive(ctx context.Context, id, _ string) (overshoot.Stream, error) {
	f.mu.Lock()
	f.keepalives = append(f.keepalives, time.Now())
	n := len(f.keepalives)
	f.mu.Unlock()
	if f.hangs[n] {
		<-ctx.Done()
		return overshoot.Stream{}, refusal(overshoot.OpKeepalive, 504)
	}
	if f.onKeepalive != nil {
		if err := f.onKeepalive(n); err != nil {
			return overshoot.Stream{}, err
		}
	}
	if !f.lives(id) {
		return overshoot.Stream{}, refusal(overshoot.OpKeepalive, 404)
	}
	return f.grant(id, fmt.Sprintf("token-%d", n)), nil
}

func (f *fakeAPI) Get(_ context.Context, id, _ string) (overshoot.StreamState, error) {
	f.mu.Lock()
	f.gets++
	f.mu.Unlock()
	return overshoot.StreamState{ID: id, Active: f.lives(id)}, nil
}

func (f *fakeAPI) Delete(_ context.Context, id, _ string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.deleted = append(f.deleted, id)
	if f.onDelete != nil {
		return f.onDelete()
	}
	return nil
}

func newKeeper(use func(context.Context, *lease.Lease)) *lease.Keeper {
	if use == nil {
		use = func(ctx context.Context, _ *lease.Lease) { <-ctx.Done() }
	}
	return &lease.Keeper{
		Use: use, Log: zap.NewNop(), Metrics: lease.NewVectors(prometheus.NewRegistry()).Camera("c"),
		Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", lease.Kind),
	}
}

// runFor lets the keeper run for a while and calls look just before it is stopped.
func runFor(t *testing.T, k *lease.Keeper, api lease.API, d time.Duration, look func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, api) }()
	time.Sleep(d)
	synctest.Wait()
	if look != nil {
		look()
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run returned %v", err)
	}
}

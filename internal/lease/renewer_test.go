package lease_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestKeepalivesComeThreeTimesPerLease(t *testing.T) {
	for ttl, want := range map[time.Duration]time.Duration{
		600 * time.Second: 120 * time.Second, 300 * time.Second: 100 * time.Second, 45 * time.Second: 15 * time.Second,
		30 * time.Second: 10 * time.Second, 6 * time.Second: 2 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{ttl: ttl}
			run(t, newBench(t, "", waits).Keeper, api, 20*want, nil)
			if len(api.creates) != 1 || len(api.keepalives) < 15 {
				t.Fatalf("ttl %v: %d creates, %d keepalives", ttl, len(api.creates), len(api.keepalives))
			}
			before := api.creates[0]
			for _, at := range api.keepalives {
				if gap := at.Sub(before); gap < want*9/10 || gap > want*11/10 {
					t.Errorf("ttl %v: a keepalive after %v, want %v ± 10 %%", ttl, gap, want)
				}
				before = at
			}
		})
	}
}

func TestMostKeepalivesFailAndNoLeaseIsLost(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			random, failed := rand.New(rand.NewPCG(seed, 0)), 0
			api := &fakeAPI{ttl: 6 * time.Second, onKeepalive: func(int) error {
				if random.Float64() < 0.6 {
					failed++
					return refusal(overshoot.OpKeepalive, 500)
				}
				return nil
			}}
			run(t, newBench(t, "", waits).Keeper, api, 3*time.Minute, func() {
				if len(api.creates) != 1 || failed < 50 {
					t.Errorf("seed %d: %d streams after %d failures, want 1", seed, len(api.creates), failed)
				}
			})
		})
	}
}

func TestAnOutageShorterThanTheLeaseIsShownAndSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		api := &fakeAPI{ttl: 300 * time.Second, onKeepalive: func(int) error {
			if time.Since(start) < 280*time.Second {
				return refusal(overshoot.OpKeepalive, 503)
			}
			return nil
		}}
		k := newBench(t, "", waits)
		time.AfterFunc(200*time.Second, func() {
			if got := k.Part.View(); got.State != "renewing" || got.Error == "" {
				t.Errorf("during the outage the status is %+v", got)
			}
		})
		run(t, k.Keeper, api, 310*time.Second, func() {
			if got := k.Part.View(); got.State != "active" || got.Error != "" {
				t.Errorf("after the outage the status is %+v", got)
			}
		})
		if len(api.creates) != 1 {
			t.Errorf("%d streams were made", len(api.creates))
		}
		if len(api.keepalives) > 50 {
			t.Errorf("%d keepalives in 3 minutes", len(api.keepalives))
		}
	})
}

func TestAKeepaliveThatHangsDoesNotCostTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 6 * time.Second, hangs: map[int]bool{2: true, 3: true}}
		run(t, newBench(t, "", waits).Keeper, api, time.Minute, nil)
		if len(api.creates) != 1 || len(api.keepalives) < 15 {
			t.Errorf("%d streams, %d keepalives", len(api.creates), len(api.keepalives))
		}
	})
}

func TestALeaseThatRanOutUnseenIsConfirmedLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 30 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 500) }}
		run(t, newBench(t, "", waits).Keeper, api, 36*time.Second, nil)
		if len(api.creates) != 2 {
			t.Fatalf("%d streams were made, want a second", len(api.creates))
		}
		if after := api.creates[1].Sub(api.creates[0]); after < 30*time.Second || after > 32*time.Second {
			t.Errorf("the second came after %v", after)
		}
	})
}

func TestKeepalivesThatOnlyAPersonCanHelp(t *testing.T) {
	for code, state := range map[int]string{401: "refused", 402: "paused", 422: "refused"} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{ttl: 300 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, code) }}
			k := newBench(t, "", waits)
			run(t, k.Keeper, api, 250*time.Second, func() {
				if got := k.Part.View(); got.State != state {
					t.Errorf("%d: the status is %+v, want %s", code, got, state)
				}
				if n := len(api.keepalives); n < 2 || n > 6 {
					t.Errorf("%d: %d keepalives", code, n)
				}
			})
		})
	}
}

func TestKeepalivesObeyRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 60 * time.Second, onKeepalive: func(n int) error {
			if n == 1 {
				return &overshoot.Error{Op: overshoot.OpKeepalive, Status: 429, RetryAfter: 13 * time.Second}
			}
			return nil
		}}
		run(t, newBench(t, "", waits).Keeper, api, time.Minute, nil)
		if got := api.keepalives[1].Sub(api.keepalives[0]); got != 13*time.Second {
			t.Errorf("waited %v, want 13s", got)
		}
	})
}

func TestRenewBringsAFreshGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		var before, after string
		run(t, newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			before = l.Grant().Token
			if err := l.Renew(ctx); err != nil {
				t.Error(err)
			}
			after = l.Grant().Token
			<-ctx.Done()
			if err := l.Renew(context.WithoutCancel(ctx)); !errors.Is(err, context.Canceled) {
				t.Errorf("renewing an ended lease gives %v", err)
			}
			return nil
		}).Keeper, api, time.Second, nil)
		if before != "token-0" || after != "token-1" {
			t.Errorf("got %s, then %s", before, after)
		}
	})
}

func TestAskingForRenewalsDoesNotMakeFailingOnesMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 60 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 401) }}
		k := newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			for ctx.Err() == nil {
				_ = l.Renew(ctx) // as a publisher does that has no token
				time.Sleep(100 * time.Millisecond)
			}
			return nil
		}).Keeper
		_ = runFor(t, k, api, 50*time.Second, nil)
		if n := len(api.keepalives); n < 2 || n > 8 {
			t.Errorf("%d keepalives in 50 s, want one each 10 s", n)
		}
	})
}

func TestRenewOfALostStreamEndsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second, onKeepalive: func(n int) error {
			if n == 1 {
				return refusal(overshoot.OpKeepalive, 404)
			}
			return nil
		}}
		run(t, newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			if l.ID == "stream-1" && l.Renew(ctx) == nil {
				t.Error("the stream was renewed")
			}
			return waits(ctx, l)
		}).Keeper, api, 2*time.Second, nil)
		if len(api.creates) != 2 {
			t.Errorf("%d streams were made, want 2", len(api.creates))
		}
	})
}

func TestKeepalivesThatAreRefusedLoseTheStreamWhenItsTimeIsCertainlyOver(t *testing.T) {
	for _, code := range []int{401, 402} {
		synctest.Test(t, func(t *testing.T) {
			api := &deaf{fakeAPI: &fakeAPI{ttl: 300 * time.Second}, code: code}
			api.onKeepalive = func(int) error { return refusal(overshoot.OpKeepalive, code) }
			api.onCreate = func(_ context.Context, n int) error {
				if n > 1 {
					return refusal(overshoot.OpCreate, code)
				}
				return nil
			}
			start := time.Now()
			b := newBench(t, "", waits)
			err := b.Run(t.Context(), api, here)
			if f, ok := err.(*lease.Failed); !ok || overshoot.ActionOf(f.Err) == overshoot.ActionRetry {
				t.Errorf("%d: got %v, want the refusal of the next create", code, err)
			}
			if took := time.Since(start); took < 300*time.Second || took > 370*time.Second {
				t.Errorf("%d: the stream was lost after %v", code, took)
			}
			if n := len(api.keepalives); n < 4 || n > 8 {
				t.Errorf("%d: %d keepalives", code, n)
			}
			if ids := readDisk(t, b.books.folder).ids(); len(ids) != 0 {
				t.Errorf("the journal still has %v", ids)
			}
		})
	}
}

func TestAKeepaliveWhoseAnswerWasLostMayHaveRenewedTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, start := &deaf{fakeAPI: &fakeAPI{ttl: 300 * time.Second}, code: 401}, time.Now()
		api.onKeepalive = func(int) error {
			if time.Since(start) < 200*time.Second {
				api.grant("stream-1", "never arrives")
				return refusal(overshoot.OpKeepalive, 502)
			}
			return refusal(overshoot.OpKeepalive, 401)
		}
		b := newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			<-ctx.Done()
			if l.ID == "stream-1" && api.lives(l.ID) {
				t.Errorf("after %v the stream is taken for lost and lives", time.Since(start))
			}
			return nil
		})
		run(t, b.Keeper, api, 600*time.Second, nil)
		if got := b.metric(t, "lost_total"); got != 1 {
			t.Errorf("%v streams were lost", got)
		}
	})
}

// deaf is a service that refuses to tell about streams as well.
type deaf struct {
	*fakeAPI
	code int
}

func (d *deaf) Get(context.Context, string, string) (overshoot.StreamState, error) {
	return overshoot.StreamState{}, refusal(overshoot.OpGet, d.code)
}

// bell is rung by a test.
type bell struct {
	mu   sync.Mutex
	next chan struct{}
}

func (b *bell) Woken() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

func TestAKeepaliveComesFirstAfterASleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, rings := &fakeAPI{ttl: 300 * time.Second}, &bell{}
		b := newBench(t, "", waits)
		b.Woken = rings.Woken
		run(t, b.Keeper, api, time.Minute, func() {
			for n := range 3 {
				rings.ring()
				synctest.Wait()
				if len(api.keepalives) != n+1 || !api.keepalives[n].Equal(time.Now()) {
					t.Errorf("after wake-up %d: keepalives at %v, now is %v", n+1, api.keepalives, time.Now())
				}
				time.Sleep(time.Second)
			}
		})
	})
}

func TestAKeepaliveThatHangsOverASleepIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, rings := &fakeAPI{ttl: 300 * time.Second, hangs: map[int]bool{1: true}}, &bell{}
		b := newBench(t, "", waits)
		b.Woken = rings.Woken
		run(t, b.Keeper, api, 120*time.Second, func() {
			if len(api.keepalives) != 1 {
				t.Fatalf("%d keepalives before the sleep", len(api.keepalives))
			}
			rings.ring()
			synctest.Wait()
			if len(api.keepalives) != 2 || !api.keepalives[1].Equal(time.Now()) {
				t.Errorf("keepalives at %v, now is %v", api.keepalives, time.Now())
			}
			if got := b.Part.View().State; got != "active" {
				t.Errorf("the status is %s", got)
			}
		})
	})
}

func TestAKeepaliveWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 30 * time.Second}
		b := newBench(t, "", waits)
		var created os.FileInfo
		time.AfterFunc(time.Second, func() { created = stat(t, b.books.folder) })
		run(t, b.Keeper, api, time.Hour, func() {
			if now := stat(t, b.books.folder); !os.SameFile(created, now) || len(api.keepalives) < 300 {
				t.Errorf("the journal was written again within %d keepalives", len(api.keepalives))
			}
		})
	})
}

func stat(t *testing.T, folder string) os.FileInfo {
	t.Helper()
	info, err := os.Stat(filepath.Join(folder, "leases.json"))
	if err != nil {
		t.Error(err)
	}
	return info
}

func TestTheExpiryIsShownFromTheBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := float64(time.Now().Unix())
		b := newBench(t, "", waits)
		run(t, b.Keeper, &fakeAPI{ttl: 300 * time.Second}, time.Second, func() {
			if got := b.metric(t, "lease_expiry_timestamp_seconds"); got != start+300 {
				t.Errorf("after the create it is %v, want %v", got, start+300)
			}
		})
		if got := b.metric(t, "lease_expiry_timestamp_seconds"); got != 0 {
			t.Errorf("without a stream it is %v", got)
		}
	})
}

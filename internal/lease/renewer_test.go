package lease_test

import (
	"context"
	"errors"
	"math/rand/v2"
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
			runFor(t, newKeeper(nil), api, 20*want, nil)
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
			runFor(t, newKeeper(nil), api, 3*time.Minute, func() {
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
		k := newKeeper(nil)
		time.AfterFunc(200*time.Second, func() {
			if got := k.Part.View(); got.State != "renewing" || got.Error == "" {
				t.Errorf("during the outage the status is %+v", got)
			}
		})
		runFor(t, k, api, 310*time.Second, func() {
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
		runFor(t, newKeeper(nil), api, time.Minute, nil)
		if len(api.creates) != 1 || len(api.keepalives) < 15 {
			t.Errorf("%d streams, %d keepalives", len(api.creates), len(api.keepalives))
		}
	})
}

func TestALeaseThatRanOutUnseenIsConfirmedLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 30 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 500) }}
		runFor(t, newKeeper(nil), api, 35*time.Second, nil)
		if len(api.creates) != 2 {
			t.Fatalf("%d streams were made, want a second", len(api.creates))
		}
		if after := api.creates[1].Sub(api.creates[0]); after < 30*time.Second || after > 31*time.Second {
			t.Errorf("the second came after %v", after)
		}
	})
}

func TestKeepalivesThatOnlyAPersonCanHelp(t *testing.T) {
	for code, state := range map[int]string{401: "refused", 402: "paused", 422: "refused"} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{ttl: 300 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, code) }}
			k := newKeeper(nil)
			runFor(t, k, api, 250*time.Second, func() {
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
		runFor(t, newKeeper(nil), api, time.Minute, nil)
		if got := api.keepalives[1].Sub(api.keepalives[0]); got != 13*time.Second {
			t.Errorf("waited %v, want 13s", got)
		}
	})
}

func TestRenewBringsAFreshGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		var before, after string
		runFor(t, newKeeper(func(ctx context.Context, l *lease.Lease) {
			before = l.Grant().Token
			if err := l.Renew(ctx); err != nil {
				t.Error(err)
			}
			after = l.Grant().Token
			<-ctx.Done()
			if err := l.Renew(context.WithoutCancel(ctx)); !errors.Is(err, context.Canceled) {
				t.Errorf("renewing an ended lease gives %v", err)
			}
		}), api, time.Second, nil)
		if before != "token-0" || after != "token-1" {
			t.Errorf("got %s, then %s", before, after)
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
		runFor(t, newKeeper(func(ctx context.Context, l *lease.Lease) {
			if l.ID == "stream-1" && l.Renew(ctx) == nil {
				t.Error("the stream was renewed")
			}
			<-ctx.Done()
		}), api, time.Second, nil)
		if len(api.creates) != 2 {
			t.Errorf("%d streams were made, want 2", len(api.creates))
		}
	})
}

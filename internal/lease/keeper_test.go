package lease_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestALostStreamIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []time.Time
		var used []string
		k := newKeeper(func(ctx context.Context, l *lease.Lease) {
			used = append(used, l.ID)
			<-ctx.Done()
			ended = append(ended, time.Now())
		})
		api := &fakeAPI{ttl: 30 * time.Second, onKeepalive: func(n int) error {
			if n == 3 {
				return refusal(overshoot.OpKeepalive, 404)
			}
			return nil
		}}
		runFor(t, k, api, 45*time.Second, func() {
			if len(api.deleted) != 0 {
				t.Errorf("deleted %v, which the service has ended itself", api.deleted)
			}
			if got := k.Part.View(); got.State != "active" || got.Error != "" || got.Detail["stream"] != "stream-2" {
				t.Errorf("the status is %+v", got)
			}
		})
		if !slices.Equal(used, []string{"stream-1", "stream-2"}) || len(api.creates) != 2 {
			t.Fatalf("used %v, created %d", used, len(api.creates))
		}
		if lost := api.keepalives[2]; !ended[0].Equal(lost) || !api.creates[1].Equal(lost) {
			t.Errorf("lost at %v, use ended at %v, created anew at %v", lost, ended[0], api.creates[1])
		}
	})
}

func TestTheStreamIsDeletedAfterTheRoomWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		k := newKeeper(func(ctx context.Context, _ *lease.Lease) {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond) // unpublishing
			if len(api.deleted) != 0 {
				t.Error("the stream was deleted while it was still published to")
			}
		})
		runFor(t, k, api, time.Minute, nil)
		if !slices.Equal(api.deleted, []string{"stream-1"}) {
			t.Errorf("deleted %v", api.deleted)
		}
	})
}

func TestADeleteThatFailsIsRepeatedForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: time.Minute, onDelete: func() error { return refusal(overshoot.OpDelete, 503) }}
		var stopped time.Time
		runFor(t, newKeeper(nil), api, time.Second, func() { stopped = time.Now() })
		if took := time.Since(stopped); took > 4*time.Second || len(api.deleted) < 3 {
			t.Errorf("%d tries within %v", len(api.deleted), took)
		}
	})
}

func TestAStreamCreatedWhileStoppingIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: time.Minute, onCreate: func(ctx context.Context, _ int) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return &overshoot.Error{Op: overshoot.OpCreate, Status: 500}
			}
		}}
		runFor(t, newKeeper(nil), api, time.Second, nil)
		if !slices.Equal(api.deleted, []string{"stream-1"}) {
			t.Errorf("deleted %v", api.deleted)
		}
	})
}

func TestACreateThatHangsEndsSoonAfterTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{onCreate: func(ctx context.Context, _ int) error { <-ctx.Done(); return refusal(overshoot.OpCreate, 500) }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := newKeeper(nil).Run(ctx, api)
		if u, ok := errors.AsType[*lease.Unknown](err); !ok || u.For != 300*time.Second {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestACreateWithUnknownOutcomeTellsHowLongTheSlotIsTaken(t *testing.T) {
	for name, tc := range map[string]struct {
		fails int // which create
		want  time.Duration
	}{"before any stream": {1, 300 * time.Second}, "after a stream": {2, 45 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var failed time.Time
				api := &fakeAPI{
					ttl:         45 * time.Second,
					onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 410) },
					onCreate: func(_ context.Context, n int) error {
						if n == tc.fails {
							failed = time.Now()
							return refusal(overshoot.OpCreate, 500)
						}
						return nil
					},
				}
				err := newKeeper(nil).Run(t.Context(), api)
				u, ok := errors.AsType[*lease.Unknown](err)
				if !ok || overshoot.ActionOf(err) != overshoot.ActionRetry {
					t.Fatalf("got %v", err)
				}
				if got := time.Since(failed) + u.For; got != tc.want {
					t.Errorf("the slot is taken for %v, want %v", got, tc.want)
				}
			})
		})
	}
}

func TestCreatesThatFailBecomeRare(t *testing.T) {
	for name, code := range map[string]int{"refused": 503, "unknown outcome": 500} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, code) }}
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				k := newKeeper(nil)
				for ctx.Err() == nil {
					_ = k.Run(ctx, api) // with another slot each time
				}
				if n := len(api.creates); n < 40 || n > 62 {
					t.Errorf("%d creates in an hour", n)
				}
				for i := 2; i < len(api.creates); i++ {
					if gap := api.creates[i].Sub(api.creates[i-1]); gap < time.Minute {
						t.Errorf("create %d came %v after the one before", i+1, gap)
					}
				}
			})
		})
	}
}

func TestRefusalsThatAPersonEnds(t *testing.T) {
	for code, tc := range map[int]struct {
		state    string
		min, max int // creates in an hour
	}{402: {"paused", 3, 6}, 401: {"refused", 4, 12}, 403: {"refused", 4, 12}, 422: {"refused", 4, 12}} {
		t.Run(tc.state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, code) }}
				k := newKeeper(nil)
				runFor(t, k, api, time.Hour, func() {
					if got := k.Part.View(); got.State != tc.state || got.Error == "" {
						t.Errorf("%d: the status is %+v", code, got)
					}
					if n := len(api.creates); n < tc.min || n > tc.max {
						t.Errorf("%d: %d creates in an hour, want %d to %d", code, n, tc.min, tc.max)
					}
				})
			})
		})
	}
}

func TestCreateObeysRetryAfterWithinReason(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{7 * time.Second: 7 * time.Second, time.Hour: 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{ttl: time.Minute, onCreate: func(_ context.Context, n int) error {
				if n == 1 {
					return &overshoot.Error{Op: overshoot.OpCreate, Status: 429, RetryAfter: asked}
				}
				return nil
			}}
			runFor(t, newKeeper(nil), api, 6*time.Minute, nil)
			if got := api.creates[1].Sub(api.creates[0]); got != want {
				t.Errorf("asked for %v, waited %v, want %v", asked, got, want)
			}
		})
	}
}

package lease_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

func TestALostStreamIsReplacedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ended []time.Time
		var used []string
		k := newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			used = append(used, l.ID)
			<-ctx.Done()
			ended = append(ended, time.Now())
			return nil
		})
		api := &fakeAPI{ttl: 30 * time.Second, onKeepalive: func(n int) error {
			if n == 3 {
				return refusal(overshoot.OpKeepalive, 404)
			}
			return nil
		}}
		run(t, k.Keeper, api, 45*time.Second, func() {
			if len(api.deleted) != 0 {
				t.Errorf("deleted %v, which the service has ended itself", api.deleted)
			}
			if got := k.Part.View(); got.State != "active" || got.Error != "" || got.Detail["stream"] != "stream-2" {
				t.Errorf("the status is %+v", got)
			}
			if ids := readDisk(t, k.books.folder).ids(); !slices.Equal(ids, []string{"stream-2"}) {
				t.Errorf("the journal has %v", ids)
			}
		})
		if !slices.Equal(used, []string{"stream-1", "stream-2"}) || len(api.creates) != 2 {
			t.Fatalf("used %v, created %d", used, len(api.creates))
		}
		if lost := api.keepalives[2]; !ended[0].Equal(lost) || !api.creates[1].Equal(lost) {
			t.Errorf("lost at %v, use ended at %v, created anew at %v", lost, ended[0], api.creates[1])
		}
		if created, lost, released := k.metric(t, "created_total"), k.metric(t, "lost_total"), k.metric(t, "released_total"); created != 2 || lost != 1 || released != 1 {
			t.Errorf("counted %v created, %v lost, %v released", created, lost, released)
		}
	})
}

func TestTheJournalKnowsAStreamBeforeAnyoneElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bench
		expect := func(when string, want ...string) {
			if ids := readDisk(t, b.books.folder).ids(); !slices.Equal(ids, want) {
				t.Errorf("%s, the journal has %v, want %v", when, ids, want)
			}
		}
		b = newBench(t, "", func(ctx context.Context, l *lease.Lease) error {
			expect("when it is used", l.ID)
			<-ctx.Done()
			return nil
		})
		api := &fakeAPI{
			ttl:      300 * time.Second,
			onCreate: func(context.Context, int) error { expect("when the create arrives", "?"); return nil },
			onDelete: func() error { expect("when the delete arrives", "stream-1"); return nil },
		}
		run(t, b.Keeper, api, time.Minute, nil)
		expect("at the end")
		if len(api.deleted) != 1 {
			t.Errorf("deleted %v", api.deleted)
		}
	})
}

func TestTheStreamIsDeletedAfterTheRoomWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		k := newBench(t, "", func(ctx context.Context, _ *lease.Lease) error {
			<-ctx.Done()
			time.Sleep(500 * time.Millisecond) // unpublishing
			if len(api.deleted) != 0 {
				t.Error("the stream was deleted while it was still published to")
			}
			return nil
		})
		run(t, k.Keeper, api, time.Minute, nil)
		if !slices.Equal(api.deleted, []string{"stream-1"}) {
			t.Errorf("deleted %v", api.deleted)
		}
	})
}

func TestAStreamThatCannotBeDeletedIsLeftInTheJournal(t *testing.T) {
	for name, code := range map[string]int{"busy": 503, "refused": 401} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{ttl: time.Minute, onDelete: func() error { return refusal(overshoot.OpDelete, code) }}
				var stopped time.Time
				k := newBench(t, "", waits)
				err := runFor(t, k.Keeper, api, time.Second, func() { stopped = time.Now() })
				if took := time.Since(stopped); took > 4*time.Second || (code == 503 && len(api.deleted) < 3) {
					t.Errorf("%d tries within %v", len(api.deleted), took)
				}
				left, ok := err.(*lease.Left)
				if !ok || left.Entry.ID != "stream-1" || left.Retry != 0 {
					t.Fatalf("got %v", err)
				}
				if ends := time.Until(api.expiry["stream-1"]); left.For < ends || left.For > ends+10*time.Second {
					t.Errorf("it may take the slot for %v, and lives for %v", left.For, ends)
				}
				if ids := readDisk(t, k.books.folder).ids(); !slices.Equal(ids, []string{"stream-1"}) {
					t.Errorf("the journal has %v", ids)
				}
				if k.Adopts("c") {
					t.Error("what is being deleted would be adopted")
				}
			})
		})
	}
}

func TestAStreamCreatedWhileStoppingIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: time.Minute, onCreate: func(ctx context.Context, _ int) error {
			select {
			case <-time.After(3 * time.Second):
				return nil
			case <-ctx.Done():
				return refusal(overshoot.OpCreate, 500)
			}
		}}
		k := newBench(t, "", func(context.Context, *lease.Lease) error { t.Error("it was used"); return nil })
		run(t, k.Keeper, api, time.Second, nil)
		if !slices.Equal(api.deleted, []string{"stream-1"}) {
			t.Errorf("deleted %v", api.deleted)
		}
		if ids := readDisk(t, k.books.folder).ids(); len(ids) != 0 {
			t.Errorf("the journal has %v", ids)
		}
	})
}

func TestACreateThatHangsEndsSoonAfterTheStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{onCreate: func(ctx context.Context, _ int) error { <-ctx.Done(); return refusal(overshoot.OpCreate, 500) }}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		err := newBench(t, "", waits).Run(ctx, api, here)
		if u, ok := err.(*lease.Unknown); !ok || u.For != 305*time.Second {
			t.Errorf("got %v", err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestACreateWithUnknownOutcomeStaysInTheJournalForALease(t *testing.T) {
	for name, tc := range map[string]struct {
		fails int // which create
		want  time.Duration
	}{"before any stream": {1, 300 * time.Second}, "after a stream": {2, 45 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{
					ttl:         45 * time.Second,
					onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 410) },
					onCreate: func(_ context.Context, n int) error {
						if n == tc.fails {
							return refusal(overshoot.OpCreate, 500)
						}
						return nil
					},
				}
				b := newBench(t, "", waits)
				err := b.Run(t.Context(), api, here)
				u, ok := err.(*lease.Unknown)
				if !ok || overshoot.ActionOf(err) != overshoot.ActionRetry {
					t.Fatalf("got %v", err)
				}
				if u.For < tc.want || u.For > tc.want+5*time.Second {
					t.Errorf("the slot is taken for %v, want %v", u.For, tc.want)
				}
				time.Sleep(u.For - time.Second)
				if ids := readDisk(t, b.books.folder).ids(); !slices.Equal(ids, []string{"?"}) || len(b.books.Entries()) != 1 {
					t.Errorf("before the end of the lease the journal has %v", ids)
				}
				time.Sleep(time.Second + time.Nanosecond)
				synctest.Wait()
				if entries := b.books.Entries(); len(entries) != 0 {
					t.Errorf("after the end of the lease the journal has %v", entries)
				}
			})
		})
	}
}

func TestAStreamThatCannotBeUsedIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &mute{&fakeAPI{ttl: time.Minute}}
		b := newBench(t, "", waits)
		err := b.Run(t.Context(), api, here)
		if f, ok := err.(*lease.Failed); !ok || f.Retry <= 0 {
			t.Errorf("got %v", err)
		}
		if !slices.Equal(api.deleted, []string{"stream-1"}) || len(b.books.Entries()) != 0 {
			t.Errorf("deleted %v, the journal has %v", api.deleted, b.books.Entries())
		}

		api.onDelete = func() error { return refusal(overshoot.OpDelete, 503) }
		time.Sleep(time.Minute)
		err = b.Run(t.Context(), api, here)
		if l, ok := err.(*lease.Left); !ok || l.Retry <= 0 || l.For < time.Minute || l.Entry.ID != "stream-2" {
			t.Errorf("got %v", err)
		}
	})
}

// mute is a service that makes streams and does not tell how to publish to them.
type mute struct{ *fakeAPI }

func (m *mute) Create(ctx context.Context) (overshoot.Stream, error) {
	s, _ := m.fakeAPI.Create(ctx)
	return overshoot.Stream{ID: s.ID}, refusal(overshoot.OpCreate, 201)
}

func TestCreatesThatFailBecomeRare(t *testing.T) {
	for name, code := range map[string]int{"refused": 503, "unknown outcome": 500, "no key": 401} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, code) }}
				runOn(t, newBench(t, "", waits).Keeper, api, time.Hour)
				if n := len(api.creates); n < 40 || n > 62 {
					t.Errorf("%d creates in an hour", n)
				}
				checkRare(t, api.creates)
			})
		})
	}
}

// checkRare checks the rule of one create a minute after the second failure, and that the second comes soon.
func checkRare(t *testing.T, creates []time.Time) {
	t.Helper()
	for i := 1; i < len(creates); i++ {
		gap := creates[i].Sub(creates[i-1])
		if (i == 1 && gap > time.Second) || (i > 1 && gap < time.Minute) {
			t.Errorf("create %d came %v after the one before", i+1, gap)
		}
	}
}

func TestAServiceThatLosesEachStreamIsNotAskedWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 6 * time.Second, onKeepalive: func(int) error { return refusal(overshoot.OpKeepalive, 404) }}
		runOn(t, newBench(t, "", waits).Keeper, api, time.Hour)
		if n := len(api.creates); n < 40 || n > 62 {
			t.Errorf("%d creates in an hour", n)
		}
		for i := 2; i < len(api.creates); i++ {
			if gap := api.creates[i].Sub(api.creates[i-1]); gap < time.Minute {
				t.Errorf("create %d came %v after the one before", i+1, gap)
			}
		}
	})
}

func TestARunThatComesTooEarlyGivesTheSlotBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, 503) }}
		b := newBench(t, "", waits)
		for range 2 {
			_ = b.Run(t.Context(), api, here)
		}
		err := b.Run(t.Context(), api, here)
		if f, ok := err.(*lease.Failed); !ok || f.Retry < 58*time.Second || len(api.creates) != 2 {
			t.Errorf("got %v after %d creates", err, len(api.creates))
		}
		if overshoot.KindOf(err) != overshoot.KindNone {
			t.Errorf("%v blames the service, which was not asked", err)
		}
	})
}

func TestRefusalsAreShown(t *testing.T) {
	for code, want := range map[int]string{402: "paused", 401: "refused", 403: "refused", 422: "refused", 429: "creating", 503: "creating"} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, code) }}
			b := newBench(t, "", waits)
			err := b.Run(t.Context(), api, here)
			if f, ok := err.(*lease.Failed); !ok || f.Retry <= 0 {
				t.Errorf("%d: got %v", code, err)
			}
			if got := b.Part.View(); got.State != want || got.Error == "" {
				t.Errorf("%d: the status is %+v, want %s", code, got, want)
			}
			if ids := readDisk(t, b.books.folder).ids(); len(ids) != 0 || len(b.books.Entries()) != 0 {
				t.Errorf("%d: the journal has %v", code, ids)
			}
		})
	}
}

func TestARequestThatIsNotUnderstoodIsRarelyRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{onCreate: func(context.Context, int) error { return refusal(overshoot.OpCreate, 422) }}
		runOn(t, newBench(t, "", waits).Keeper, api, 3*time.Hour)
		if n := len(api.creates); n < 10 || n > 30 {
			t.Errorf("%d creates in three hours", n)
		}
	})
}

func TestCreateObeysRetryAfterWithinReason(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{7 * time.Second: 7 * time.Second, time.Hour: 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			api := &fakeAPI{ttl: time.Minute, onCreate: func(_ context.Context, n int) error {
				if n == 1 {
					return &overshoot.Error{Op: overshoot.OpCreate, Status: 503, RetryAfter: asked}
				}
				return nil
			}}
			runOn(t, newBench(t, "", waits).Keeper, api, 6*time.Minute)
			if got := api.creates[1].Sub(api.creates[0]); got != want {
				t.Errorf("asked for %v, waited %v, want %v", asked, got, want)
			}
		})
	}
}

func TestAPauseAskedOfAKeyDoesNotBindTheCamera(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{onCreate: func(context.Context, int) error {
			return &overshoot.Error{Op: overshoot.OpCreate, Status: 429, RetryAfter: time.Hour}
		}}
		err := newBench(t, "", waits).Run(t.Context(), api, here)
		if f, ok := err.(*lease.Failed); !ok || f.Retry > time.Second || overshoot.KindOf(f.Err) != overshoot.KindRateLimited {
			t.Errorf("got %v", err)
		}
	})
}

func TestWorkThatFailsLeavesTheStreamToTheNextRun(t *testing.T) {
	broken := errors.New("the room is broken")
	for name, tc := range map[string]struct {
		fail func() error
		is   func(error) bool
	}{
		"panic": {func() error { panic("a mistake") }, func(err error) bool { p, ok := err.(*guard.Panic); return ok && p.Value == "a mistake" }},
		"error": {func() error { return broken }, func(err error) bool { return err == broken }},
		"end":   {func() error { return nil }, func(err error) bool { return err != nil && strings.Contains(err.Error(), "ended by itself") }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api := &fakeAPI{ttl: 300 * time.Second}
				b := newBench(t, "", func(context.Context, *lease.Lease) error {
					time.Sleep(150 * time.Second)
					return tc.fail()
				})
				if err := b.Run(t.Context(), api, here); !tc.is(err) {
					t.Fatalf("got %v", err)
				}
				if ids := readDisk(t, b.books.folder).ids(); !slices.Equal(ids, []string{"stream-1"}) || !b.Adopts("c") || len(api.deleted) != 0 {
					t.Errorf("the journal has %v, deleted %v", ids, api.deleted)
				}
				e, _ := b.books.Adoptable("c")
				if got, lives := b.books.Remaining(e), time.Until(api.expiry[e.ID]); got < lives || got > lives+10*time.Second {
					t.Errorf("it remains for %v by the journal, and for %v by the service", got, lives)
				}
				if got := b.metric(t, "leases_active"); got != 0 {
					t.Error("the lease is shown as held")
				}
				before := len(api.keepalives)
				time.Sleep(200 * time.Second)
				if len(api.keepalives) != before {
					t.Error("the stream is renewed although nobody uses it")
				}
				b.Use = waits
				run(t, b.Keeper, api, time.Hour, nil)
				if len(api.creates) != 1 || b.metric(t, "adopted_total") != 1 {
					t.Errorf("%d creates, %v adopted", len(api.creates), b.metric(t, "adopted_total"))
				}
			})
		})
	}
}

func TestAPanicOfTheKeeperItselfLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second, onKeepalive: func(n int) error {
			if n == 2 {
				panic("a mistake")
			}
			return nil
		}}
		left := false
		b := newBench(t, "", func(ctx context.Context, _ *lease.Lease) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			left = true
			return nil
		})
		err := guard.Run(func() error { return b.Run(t.Context(), api, here) })
		if _, ok := err.(*guard.Panic); !ok || !left {
			t.Errorf("got %v, room left: %v", err, left)
		}
		if ids := readDisk(t, b.books.folder).ids(); !slices.Equal(ids, []string{"stream-1"}) || !b.Adopts("c") {
			t.Errorf("the journal has %v", ids)
		}
		run(t, b.Keeper, api, time.Hour, nil)
		if len(api.creates) != 1 {
			t.Errorf("%d creates", len(api.creates))
		}
	})
}

func TestAPanicWhileCreatingLeavesAnIntentThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second, onCreate: func(_ context.Context, n int) error {
			if n == 1 {
				panic("a mistake")
			}
			return nil
		}}
		b := newBench(t, "", waits)
		err := guard.Run(func() error { return b.Run(t.Context(), api, here) })
		if _, ok := err.(*guard.Panic); !ok || !slices.Equal(readDisk(t, b.books.folder).ids(), []string{"?"}) {
			t.Errorf("got %v, the journal has %v", err, readDisk(t, b.books.folder).ids())
		}
		run(t, b.Keeper, api, 10*time.Minute, func() {
			if ids := readDisk(t, b.books.folder).ids(); !slices.Equal(ids, []string{"stream-2"}) {
				t.Errorf("ten minutes later the journal has %v", ids)
			}
		})
	})
}

func TestAPanicOnTheWayOutDoesNotKeepTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		b := newBench(t, "", func(ctx context.Context, _ *lease.Lease) error { <-ctx.Done(); panic("a mistake") })
		err := runFor(t, b.Keeper, api, time.Second, nil)
		if _, ok := err.(*guard.Panic); !ok || len(api.living()) != 0 || len(b.books.Entries()) != 0 {
			t.Errorf("got %v; living: %v", err, api.living())
		}
	})
}

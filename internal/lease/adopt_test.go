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

const (
	mine       = `{"camera": "c", "key": "main", "fingerprint": "ab12", "id": "old", "region": "us", "ttl_seconds": 30}`
	onOtherKey = `{"camera": "c", "key": "spare", "id": "old", "ttl_seconds": 30}`
	ofOther    = `{"camera": "d", "key": "main", "id": "old", "ttl_seconds": 30}`
)

// outlived is a service that still has a stream of an earlier life.
func outlived() *fakeAPI {
	api := &fakeAPI{ttl: 30 * time.Second}
	api.grant("old", "token of the earlier life")
	return api
}

func TestAStreamOfAnEarlierLifeIsHeldOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, folder := outlived(), t.TempDir()
		api.onKeepalive = func(int) error { time.Sleep(100 * time.Millisecond); return nil }
		write(t, folder, mine)
		before := stat(t, folder)
		var at []string
		b := newBench(t, folder, func(ctx context.Context, l *lease.Lease) error {
			at = append(at, l.ID, l.Region(), l.Grant().Token)
			if err := l.Renew(ctx); err != nil {
				t.Error(err)
			}
			at = append(at, l.Grant().Token)
			<-ctx.Done()
			return nil
		})
		if !b.Adopts("c") || b.Adopts("d") {
			t.Error("it does not know what it will adopt")
		}
		start := time.Now()
		run(t, b.Keeper, api, time.Hour, func() {
			if got := b.Part.View(); got.State != "active" || got.Detail["stream"] != "old" {
				t.Errorf("the status is %+v", got)
			}
			if !stat(t, folder).ModTime().Equal(before.ModTime()) {
				t.Error("the journal was written")
			}
		})
		if len(api.creates) != 0 || !api.keepalives[0].Equal(start) || b.metric(t, "adopted_total") != 1 {
			t.Errorf("%d creates, first keepalive after %v, %v adopted", len(api.creates), api.keepalives[0].Sub(start), b.metric(t, "adopted_total"))
		}
		if len(at) != 4 || !slices.Equal(at[:3], []string{"old", "us", ""}) || at[3] == "" {
			t.Errorf("it was used with %q", at)
		}
		if !slices.Equal(api.deleted, []string{"old"}) || len(readDisk(t, folder).Streams) != 0 {
			t.Errorf("deleted %v, the journal has %v", api.deleted, readDisk(t, folder).ids())
		}
	})
}

func TestAnAdoptedStreamIsNotSureUntilItWasRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, folder := outlived(), t.TempDir()
		write(t, folder, mine)
		api.onKeepalive = func(n int) error {
			if n < 4 {
				return refusal(overshoot.OpKeepalive, 503)
			}
			return nil
		}
		b := newBench(t, folder, waits)
		time.AfterFunc(time.Second, func() {
			if got := b.Part.View().State; got != "renewing" || b.metric(t, "adopted_total") != 0 {
				t.Errorf("before its first keepalive worked the status is %s", got)
			}
		})
		run(t, b.Keeper, api, 20*time.Second, nil)
		if len(api.creates) != 0 || b.metric(t, "adopted_total") != 1 {
			t.Errorf("%d creates, %v adopted", len(api.creates), b.metric(t, "adopted_total"))
		}
	})
}

func TestAStreamThatDidNotOutliveTheRestartIsForgottenAndNotReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, folder := &fakeAPI{ttl: 30 * time.Second}, t.TempDir()
		write(t, folder, mine)
		b := newBench(t, folder, waits)
		err := runFor(t, b.Keeper, api, time.Minute, nil)
		failed, ok := err.(*lease.Failed)
		if !ok || overshoot.KindOf(failed.Err) != overshoot.KindNotFound || failed.Retry != 0 {
			t.Errorf("Run returned %#v, want that there is nothing to adopt and nothing to wait for", err)
		}
		if ids := readDisk(t, folder).ids(); len(ids) != 0 || len(api.creates) != 0 || b.metric(t, "adopted_total") != 0 {
			t.Errorf("the journal has %v, %d creates", ids, len(api.creates))
		}
		_ = runFor(t, b.Keeper, api, time.Second, nil)
		if len(api.creates) != 1 {
			t.Errorf("the next Run made %d creates, want 1 at once", len(api.creates))
		}
	})
}

func TestTheStreamOfAnotherKeyOrCameraIsNotAdopted(t *testing.T) {
	for _, other := range []string{onOtherKey, ofOther} {
		synctest.Test(t, func(t *testing.T) {
			api, folder := outlived(), t.TempDir()
			write(t, folder, other)
			b := newBench(t, folder, waits)
			run(t, b.Keeper, api, time.Minute, func() {
				if ids := readDisk(t, folder).ids(); !slices.Equal(ids, []string{"old", "stream-1"}) {
					t.Errorf("the journal has %v", ids)
				}
			})
			if ids := readDisk(t, folder).ids(); !slices.Equal(ids, []string{"old"}) || slices.Contains(api.deleted, "old") {
				t.Errorf("at the end the journal has %v, deleted are %v", ids, api.deleted)
			}
		})
	}
}

func TestAKeptStreamIsAdoptedByTheNextRun(t *testing.T) {
	upgrade, removed := errors.New("upgrade"), errors.New("removed")
	synctest.Test(t, func(t *testing.T) {
		api := &fakeAPI{ttl: 300 * time.Second}
		b := newBench(t, "", waits)
		b.Keep = func(cause error) bool { return cause == upgrade }
		stopWith := func(k *lease.Keeper, cause error) error {
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(time.Minute, func() { cancel(cause) })
			return k.Run(ctx, api, here)
		}
		if err := stopWith(b.Keeper, upgrade); err != nil || len(api.deleted) != 0 {
			t.Fatalf("got %v, deleted %v", err, api.deleted)
		}
		time.Sleep(200 * time.Second)
		next := newBench(t, b.books.folder, waits) // of another process
		next.Keep = b.Keep
		if err := stopWith(next.Keeper, removed); err != nil {
			t.Fatalf("got %v", err)
		}
		if len(api.creates) != 1 || !slices.Equal(api.deleted, []string{"stream-1"}) {
			t.Errorf("%d creates, deleted %v", len(api.creates), api.deleted)
		}
	})
}

func TestAStreamThatNobodyTookOverIsReleasedByARunThatIsAlreadyOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, folder := outlived(), t.TempDir()
		write(t, folder, mine)
		b := newBench(t, folder, func(context.Context, *lease.Lease) error { t.Error("it was used"); return nil })
		over, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Run(over, api, here); err != nil || !slices.Equal(api.deleted, []string{"old"}) {
			t.Errorf("got %v, deleted %v", err, api.deleted)
		}
		if err := b.Run(over, api, here); err != nil || len(api.creates) != 0 {
			t.Errorf("got %v after %d creates", err, len(api.creates))
		}
	})
}

func TestTheNewestOfSeveralStreamsIsAdopted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, folder := outlived(), t.TempDir()
		api.grant("newer", "")
		write(t, folder, mine+`, {"camera": "c", "key": "main", "id": "newer", "ttl_seconds": 30}, `+
			`{"camera": "c", "key": "main", "ttl_seconds": 30, "boot_id": "boot", "over_at_uptime_s": 3640}`)
		b := newBench(t, folder, waits)
		run(t, b.Keeper, api, time.Minute, func() {
			if got := b.Part.View().Detail["stream"]; got != "newer" {
				t.Errorf("it holds %s", got)
			}
		})
	})
}

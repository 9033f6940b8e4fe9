package lease_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// orphanage is a janitor with an orphan in the journal.
type orphanage struct {
	*lease.Janitor
	books  books
	reg    *prometheus.Registry
	orphan lease.Entry
}

func newOrphanage(t *testing.T) orphanage {
	t.Helper()
	folder, reg := t.TempDir(), prometheus.NewRegistry()
	write(t, folder, mine)
	o := orphanage{books: openBooks(folder, "boot"), reg: reg}
	o.Janitor = &lease.Janitor{Journal: o.books.Journal, Metrics: lease.NewJanitorMetrics(reg), Log: zap.NewNop()}
	o.orphan = o.books.Entries()[0]
	return o
}

func TestAnOrphanIsDeletedHoweverLongItTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, api, start := newOrphanage(t), outlived(), time.Now()
		api.onDelete = func() error {
			if time.Since(start) < 20*time.Second {
				return refusal(overshoot.OpDelete, 503)
			}
			return nil
		}
		var done time.Duration
		o.Release(t.Context(), api, o.orphan, func() { done = time.Since(start) })
		if _, ok := o.books.Adoptable("c"); ok {
			t.Error("what is being deleted can be adopted")
		}
		o.Wait()
		if len(api.living()) != 0 || done < 20*time.Second || done > 36*time.Second || len(api.deleted) > 8 {
			t.Errorf("living: %v; done after %v with %d tries", api.living(), done, len(api.deleted))
		}
		if len(readDisk(t, o.books.folder).Streams) != 0 || metric(t, o.reg, "streams_orphaned_total") != 1 {
			t.Errorf("the journal has %v", readDisk(t, o.books.folder).ids())
		}
	})
}

func TestAnOrphanThatCannotBeDeletedIsForgottenWhenItHasEnded(t *testing.T) {
	refusing := outlived()
	refusing.onDelete = func() error { return refusal(overshoot.OpDelete, 401) }
	for name, api := range map[string]lease.API{"the key is refused": refusing, "the key is gone": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o, start := newOrphanage(t), time.Now()
				var done atomic.Int64
				o.Release(t.Context(), api, o.orphan, func() { done.Store(int64(time.Since(start))) })
				time.Sleep(30 * time.Second)
				if len(readDisk(t, o.books.folder).Streams) != 1 || done.Load() != 0 {
					t.Error("it is forgotten while it lives")
				}
				o.Wait()
				if done := time.Duration(done.Load()); done < 30*time.Second || done > 40*time.Second || len(readDisk(t, o.books.folder).Streams) != 0 {
					t.Errorf("forgotten after %v, the journal has %v", done, readDisk(t, o.books.folder).ids())
				}
			})
		})
	}
}

func TestAnOrphanStaysInTheJournalWhenTheAgentStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, api := newOrphanage(t), outlived()
		api.onDelete = func() error { return refusal(overshoot.OpDelete, 503) }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		o.Release(ctx, api, o.orphan, func() { t.Error("it was called done") })
		o.Wait()
		if ids := readDisk(t, o.books.folder).ids(); len(ids) != 1 {
			t.Errorf("the journal has %v", ids)
		}
	})
}

func TestAPanicWhileDeletingCostsNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, api := newOrphanage(t), outlived()
		o.Release(t.Context(), &panics{api}, o.orphan, nil)
		o.Wait()
		if ids := readDisk(t, o.books.folder).ids(); len(ids) != 1 {
			t.Errorf("the journal has %v", ids)
		}
	})
}

// panics is a service whose client has a mistake.
type panics struct{ *fakeAPI }

func (*panics) Delete(context.Context, string, string) error { panic("a mistake") }

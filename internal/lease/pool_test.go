package lease_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/prometheus/client_golang/prometheus"
	"pgregory.net/rapid"
)

// claim is one who asked for a slot, in the pool and in the model of it.
type claim struct {
	priority, number int
	cancel           context.CancelFunc
	slot             *lease.Slot // nil while it waits

	holds, gone bool // by the model
	rank        [2]int
}

// world runs a pool beside its model: a list sorted by priority and age.
type world struct {
	pool   *lease.Pool
	slots  map[string]int
	free   int
	claims []*claim
}

func newWorld(slots []int) *world {
	w := &world{slots: map[string]int{}}
	var keys []lease.Key
	for i, n := range slots {
		name := fmt.Sprintf("key-%d", i)
		keys = append(keys, lease.Key{Name: name, Slots: n})
		w.slots[name], w.free = n, w.free+n
	}
	w.pool = lease.NewPool(keys, lease.NewPoolMetrics(prometheus.NewRegistry()))
	return w
}

func (w *world) ask(priority int) {
	ctx, cancel := context.WithCancel(context.Background())
	c := &claim{priority: priority, number: len(w.claims), cancel: cancel}
	w.claims = append(w.claims, c)
	go func() {
		if s, err := w.pool.Acquire(ctx, priority, func(rank, of int) { c.rank = [2]int{rank, of} }); err == nil {
			c.slot = s
		}
	}()
}

func (w *world) giveBack(c *claim) {
	if c.holds && !c.gone {
		c.gone = true
		w.free++
	}
}

// do applies one operation to the pool and, where it has an effect, to the model.
func (w *world) do(op, arg int) {
	if op == 0 || len(w.claims) == 0 {
		w.ask(arg % 3)
		return
	}
	c := w.claims[arg%len(w.claims)]
	switch {
	case op == 1:
		c.cancel()
		c.gone = c.gone || !c.holds
	case c.slot != nil && op == 2:
		c.slot.Release()
		w.giveBack(c)
	case c.slot != nil && op == 3:
		c.slot.ReleaseAfter(time.Minute)
		time.Sleep(59 * time.Second)
		c.slot.Release() // the timer will find it done
		w.giveBack(c)
	case c.slot != nil && op == 4:
		c.slot.ReleaseAfter(time.Minute)
		time.Sleep(time.Minute)
		w.giveBack(c)
	}
}

// check compares the pool with the model.
func (w *world) check() error {
	waiting := slices.DeleteFunc(slices.Clone(w.claims), func(c *claim) bool { return c.holds || c.gone })
	slices.SortStableFunc(waiting, func(a, b *claim) int { return b.priority - a.priority })
	for len(waiting) > 0 && w.free > 0 {
		waiting[0].holds = true
		waiting, w.free = waiting[1:], w.free-1
	}
	used := map[string]int{}
	for _, c := range w.claims {
		if (c.slot != nil) != c.holds {
			return fmt.Errorf("claim %d of priority %d: has a slot is %v, want %v", c.number, c.priority, c.slot != nil, c.holds)
		}
		if c.holds && !c.gone {
			used[c.slot.Key.Name]++
		}
	}
	for i, c := range waiting {
		if c.rank != [2]int{i + 1, len(waiting)} {
			return fmt.Errorf("claim %d was told rank %v, want %d of %d", c.number, c.rank, i+1, len(waiting))
		}
	}
	for name, n := range used {
		if n > w.slots[name] {
			return fmt.Errorf("%d slots of %s are taken, it has %d", n, name, w.slots[name])
		}
	}
	return nil
}

func TestThePoolNeverGivesMoreThanThereIsAndGivesInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		slots := rapid.SliceOfN(rapid.IntRange(0, 3), 1, 3).Draw(rt, "slots")
		ops := rapid.SliceOfN(rapid.IntRange(0, 4*100-1), 1, 40).Draw(rt, "ops")
		var failed error
		synctest.Test(t, func(*testing.T) {
			w := newWorld(slots)
			for i, op := range ops {
				w.do(op%5, op/5)
				synctest.Wait()
				if failed = w.check(); failed != nil {
					failed = fmt.Errorf("after operation %d: %w", i, failed)
					break
				}
			}
			for _, c := range w.claims {
				c.cancel()
			}
		})
		if failed != nil {
			rt.Fatal(failed)
		}
	})
}

func TestASlotServedToOneWhoJustLeftIsNotLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := lease.NewPool([]lease.Key{{Name: "k", Slots: 1}}, lease.NewPoolMetrics(prometheus.NewRegistry()))
		quiet := func(int, int) {}
		for range 200 {
			held, err := pool.Acquire(t.Context(), 0, quiet)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if s, err := pool.Acquire(ctx, 0, quiet); err == nil {
					s.Release()
				}
			}()
			synctest.Wait()
			cancel()
			held.Release() // meets the waiter on its way out; were the slot lost, the next Acquire would hang
		}
	})
}

func TestASlotThatMayHoldAnUnknownStreamComesBackLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := lease.NewPool([]lease.Key{{Name: "k", Slots: 1}}, lease.NewPoolMetrics(prometheus.NewRegistry()))
		first, err := pool.Acquire(t.Context(), 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		first.ReleaseAfter(5 * time.Minute)
		start := time.Now()
		if _, err := pool.Acquire(t.Context(), 0, func(int, int) {}); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got != 5*time.Minute {
			t.Errorf("the slot came back after %v, want 5m", got)
		}
	})
}

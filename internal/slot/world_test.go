package slot_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A world is a pool with cameras that use it as a pipeline does, and with an account of what a service would see.
type world struct {
	pool  *slot.Pool
	board *status.Board
	logs  *observer.ObservedLogs
	reg   *prometheus.Registry
	stop  context.CancelFunc
	wg    sync.WaitGroup

	mu      sync.Mutex
	keys    []slot.Key
	limits  map[string]int
	broken  map[string]error // what a create on the key is answered
	streams map[string]int
	blocks  map[string][]time.Time // until when
	creates map[string]int
	cameras map[string]*camera
	wrong   error // the first thing that was
}

// A camera wants to stream until it is stopped.
type camera struct {
	name     string
	priority int
	leaves   time.Duration // how long it takes to delete its stream
	abandons time.Duration // when it leaves, its stream may live on for so long

	cancel      context.CancelFunc
	slot        *slot.Slot // while it has one
	leaving     bool
	resting     bool      // after a refusal
	since       time.Time // when it got its slot, or began to wait
	rank, of    int
	streamed    time.Duration
	longestWait time.Duration
	turns       int
}

// newWorld returns a world whose pool runs until the end of the bubble of t. Keys have the names key-0, key-1, and so on.
func newWorld(dwell time.Duration, slots ...int) *world {
	core, logs := observer.New(zap.InfoLevel)
	reg := prometheus.NewRegistry()
	w := &world{
		board: status.NewBoard(zap.New(core), reg), logs: logs, reg: reg,
		limits: map[string]int{}, broken: map[string]error{}, streams: map[string]int{}, blocks: map[string][]time.Time{},
		creates: map[string]int{}, cameras: map[string]*camera{},
	}
	w.pool = slot.NewPool(zap.New(core), w.board, slot.NewMetrics(reg))
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.wg.Go(func() { _ = w.pool.Run(ctx) })
	w.configure(dwell, slots...)
	return w
}

// configure reloads the pool with so many keys; a negative number leaves one out.
func (w *world) configure(dwell time.Duration, slots ...int) {
	synctest.Wait()
	w.mu.Lock()
	w.keys, w.limits = nil, map[string]int{}
	for i, n := range slots {
		if n >= 0 {
			k := slot.Key{Name: fmt.Sprint("key-", i), Slots: n}
			w.keys, w.limits[k.Name] = append(w.keys, k), n
		}
	}
	keys := w.keys
	w.mu.Unlock()
	w.pool.Configure(keys, dwell)
	synctest.Wait()
}

// end stops everything and waits for it.
func (w *world) end() {
	for _, c := range w.cameras {
		c.cancel()
	}
	w.stop()
	w.wg.Wait()
}

func (w *world) add(c *camera) *camera {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	w.mu.Lock()
	w.cameras[c.name] = c
	w.mu.Unlock()
	w.wg.Go(func() { w.live(ctx, c) })
	return c
}

// live is what a pipeline does with the pool.
func (w *world) live(ctx context.Context, c *camera) {
	for ctx.Err() == nil {
		w.locked(func() { c.since, c.resting = time.Now(), false })
		s, err := w.pool.Acquire(ctx, slot.Claim{Camera: c.name, Priority: c.priority, Waiting: func(rank, of int) {
			w.locked(func() { c.rank, c.of = rank, of })
		}})
		if err != nil {
			return
		}
		if err := w.create(c, s); err != nil {
			w.pool.Refused(s.Key().Name, err)
			w.locked(func() { c.resting = true })
			w.leave(c, s, 0)
			sleep(ctx, time.Second)
			continue
		}
		w.pool.Accepted(s.Key().Name)
		select {
		case <-s.Recalled():
		case <-ctx.Done():
		}
		w.locked(func() { c.leaving = true })
		time.Sleep(c.leaves)
		w.leave(c, s, c.abandons)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (w *world) locked(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// create makes a stream, as the service sees it: that is where too many show.
func (w *world) create(c *camera, s *slot.Slot) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, key := time.Now(), s.Key().Name
	c.slot, c.rank, c.of = s, 0, 0
	c.longestWait = max(c.longestWait, now.Sub(c.since))
	c.since = now
	w.creates[key]++
	w.streams[key]++
	w.blocks[key] = slices.DeleteFunc(w.blocks[key], func(until time.Time) bool { return !until.After(now) })
	if n, b := w.streams[key], len(w.blocks[key]); n+b > w.limits[key] && w.wrong == nil {
		w.wrong = fmt.Errorf("%d streams and %d blocks on %s, which allows %d", n, b, key, w.limits[key])
	}
	if w.broken[key] == nil {
		c.turns++
	}
	return w.broken[key]
}

func (w *world) leave(c *camera, s *slot.Slot, abandon time.Duration) {
	w.locked(func() {
		key := s.Key().Name
		c.slot, c.leaving = nil, false
		c.streamed += time.Since(c.since)
		w.streams[key]--
		if abandon > 0 {
			w.blocks[key] = append(w.blocks[key], time.Now().Add(abandon))
		}
	})
	s.ReleaseAfter(abandon)
}

// remove stops a camera, waits until it has left, and forgets it.
func (w *world) remove(name string) {
	c := w.cameras[name]
	c.cancel()
	time.Sleep(c.leaves)
	synctest.Wait()
	w.pool.Forget(name)
	w.locked(func() { delete(w.cameras, name) })
}

// streaming lists the cameras that have a stream, those that are leaving as well.
func (w *world) streaming() []string {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []string
	for _, name := range slices.Sorted(maps.Keys(w.cameras)) {
		if w.cameras[name].slot != nil {
			all = append(all, name)
		}
	}
	return all
}

// created is how many creates the service has seen on a key.
func (w *world) created(key string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.creates[key]
}

// on is how many streams the service has on a key.
func (w *world) on(key string) int {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.streams[key]
}

// see returns a camera as it is now.
func (w *world) see(name string) camera {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.cameras[name]
}

// check looks at a world at rest.
func (w *world) check() error {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong != nil {
		return w.wrong
	}
	leaving, lowest, used := 0, 1<<30, 0
	ranks := map[int]bool{}
	var waiting []*camera
	for _, c := range w.cameras {
		switch {
		case c.resting:
		case c.leaving:
			leaving++
		case c.slot != nil:
			used++
			lowest = min(lowest, c.priority)
		default:
			waiting = append(waiting, c)
			ranks[c.rank] = true
		}
	}
	better := 0
	for _, c := range waiting {
		if c.priority > lowest {
			better++
		}
		if c.of != len(waiting) || c.rank < 1 || c.rank > c.of || len(ranks) != c.of {
			return fmt.Errorf("%s was told rank %d of %d; %d wait", c.name, c.rank, c.of, len(waiting))
		}
	}
	if len(w.broken) > 0 || len(waiting) == 0 {
		return nil
	}
	if better > leaving {
		return fmt.Errorf("%d wait in vain although they have a higher priority than %d", better, lowest)
	}
	now, total, taken := time.Now(), 0, used+leaving
	for key, n := range w.limits {
		total += n
		for _, until := range w.blocks[key] {
			if until.After(now) {
				taken++
			}
		}
	}
	if taken < total {
		return fmt.Errorf("%d wait although only %d of %d slots are taken", len(waiting), taken, total)
	}
	return nil
}

// inBubble runs f in a bubble of its own, for use with rapid, and returns what it returned.
func inBubble(t *testing.T, f func() error) (err error) {
	synctest.Test(t, func(*testing.T) { err = f() })
	return err
}

func refusal(code int, after time.Duration) error {
	return &overshoot.Error{Op: overshoot.OpCreate, Status: code, RetryAfter: after}
}

package lease_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"pgregory.net/rapid"
)

// The property of this file: whatever fails and whenever the process ends, each stream that lives at the service is in the journal on disk,
// by its id or by an intent of its own. A process that is started at that moment could find it.

// step is a piece of a camera's life and how it ends.
type step struct {
	Lasts time.Duration
	End   string
	Gap   time.Duration
	Key   string // that the slot pool offers
}

func drawStep(t *rapid.T) step {
	return step{
		Lasts: time.Duration(rapid.IntRange(0, 60_000).Draw(t, "lasts")) * time.Millisecond,
		End:   rapid.SampledFrom([]string{"stop", "keep", "kill", "reboot", "panic"}).Draw(t, "end"),
		Gap:   time.Duration(rapid.IntRange(0, 20_000).Draw(t, "gap")) * time.Millisecond,
		Key:   rapid.SampledFrom([]string{"main", "spare"}).Draw(t, "key"),
	}
}

func TestNoStreamIsEverForgotten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		fate := rapid.SliceOfN(rapid.Byte(), 0, 80).Draw(rt, "fate")
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 12).Draw(rt, "steps")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = newWorld(t, fate).live(steps) })
		if len(problems) > 0 {
			rt.Fatalf("%d problems, the first: %s", len(problems), problems[0])
		}
	})
}

// world is the service behind a bad network, and the disk of the machine.
type world struct {
	t        *testing.T
	services map[string]*fakeAPI // by key

	mu       sync.Mutex
	fate     []byte
	folder   string // of the process that lives
	boot     int
	problems []string
}

const worldTTL = 30 * time.Second

func newWorld(t *testing.T, fate []byte) *world {
	return &world{
		t: t, fate: fate, folder: t.TempDir(),
		services: map[string]*fakeAPI{"main": {ttl: worldTTL}, "spare": {ttl: worldTTL}},
	}
}

// next returns the fate of one call: how long each way takes, and what goes wrong.
func (w *world) next() (way time.Duration, what byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.fate) == 0 {
		return 10 * time.Millisecond, 0
	}
	b := w.fate[0]
	w.fate = w.fate[1:]
	return time.Duration(b>>4) * 200 * time.Millisecond, b & 15
}

func (w *world) bootName() string { return fmt.Sprint("boot-", w.boot) }

// check looks for streams that a process started now would not find.
func (w *world) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	disk := readDisk(w.t, w.folder)
	for key, service := range w.services {
		covered, unknown := 0, 0
		for _, s := range disk.Streams {
			if s.Key == key && s.ID == "" && (s.BootID != w.bootName() || s.OverAt >= bubbleClock("").Uptime().Seconds()) {
				covered++
			}
		}
		for _, id := range service.living() {
			if !slices.Contains(disk.ids(), id) {
				unknown++
			}
		}
		if unknown > covered {
			w.problems = append(w.problems, fmt.Sprintf("at %s, key %s: %v live, the journal has %v", time.Now().Format("04:05.000"), key, service.living(), disk.ids()))
		}
	}
}

// live goes through the steps, lets everything go well at the end, and returns what was wrong.
func (w *world) live(steps []step) []string {
	watching, stop := context.WithCancel(w.t.Context())
	var watch sync.WaitGroup
	watch.Go(func() {
		for watching.Err() == nil {
			w.check()
			time.Sleep(time.Second)
		}
	})
	p := w.start()
	for _, s := range steps {
		p = p.take(s)
	}
	w.mu.Lock()
	w.fate = nil
	w.mu.Unlock()
	for range 2 { // the first may end by a failure of before
		p = p.take(step{Lasts: 2 * time.Minute, End: "stop", Key: "main"})
	}
	p = p.take(step{End: "kill", Key: "main"})
	time.Sleep(6 * time.Minute) // longer than any intent is kept
	p.end()
	stop()
	watch.Wait()
	for key, service := range w.services {
		if ids := service.living(); len(ids) > 0 {
			w.problems = append(w.problems, fmt.Sprintf("at the end %v live on key %s", ids, key))
		}
	}
	if left := p.books.Entries(); len(left) > 0 {
		w.problems = append(w.problems, fmt.Sprintf("at the end the journal has %v", left))
	}
	return w.problems
}

// process is one life of the agent, with one camera.
type process struct {
	w       *world
	dead    atomic.Bool
	books   books
	keeper  *lease.Keeper
	janitor *lease.Janitor
	ctx     context.Context
	cancel  context.CancelFunc
	panics  chan struct{}
}

var (
	errStop = errors.New("stop")
	errKeep = errors.New("keep")
)

// start is the start of the agent: what the camera does not adopt is deleted.
func (w *world) start() *process {
	p := &process{w: w, books: openBooks(w.folder, w.bootName()), panics: make(chan struct{})}
	p.books.WriteThrough(func(text []byte, _ func([]byte) error) error { return p.replace(text) })
	p.ctx, p.cancel = context.WithCancel(w.t.Context())
	p.janitor = &lease.Janitor{Journal: p.books.Journal, Metrics: lease.NewJanitorMetrics(prometheus.NewRegistry()), Log: zap.NewNop()}
	b := newBench(w.t, "", p.use)
	b.Journal = p.books.Journal
	b.Keep = func(cause error) bool { return cause == errKeep }
	p.keeper = b.Keeper
	adopted, _ := p.books.Adoptable("c")
	for _, e := range p.books.Entries() {
		if e.ID != "" && e.ID != adopted.ID {
			p.janitor.Release(p.ctx, p.line(e.Key), e, nil)
		}
	}
	return p
}

// replace does what the journal does with its file, but for the syncing, of which a killed process has no need and which takes most of the
// time of these tests.
func (p *process) replace(text []byte) error {
	name := filepath.Join(p.books.folder, "leases.json")
	if err := os.WriteFile(name+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

func (p *process) use(ctx context.Context, _ *lease.Lease) error {
	p.w.check()
	select {
	case <-p.panics:
		panic("a mistake")
	case <-ctx.Done():
		return nil
	}
}

// end ends the process, as far as goroutines can be ended.
func (p *process) end() {
	p.cancel()
	p.janitor.Wait()
}

// take goes through one step and returns the process that lives after it.
func (p *process) take(s step) *process {
	ctx, cancel := context.WithCancelCause(p.ctx)
	defer cancel(nil)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			p.hold(ctx, s.Key)
		}
	}()
	time.Sleep(s.Lasts)
	switch s.End {
	case "stop":
		cancel(errStop)
	case "keep":
		cancel(errKeep)
	case "panic":
		select {
		case p.panics <- struct{}{}:
		default: // nobody uses a stream now
		}
		cancel(errKeep)
	case "kill", "reboot":
		next := p.kill(s.End == "reboot")
		cancel(errStop)
		<-ended
		p.end()
		time.Sleep(s.Gap)
		return next()
	}
	<-ended
	time.Sleep(s.Gap)
	return p
}

// kill cuts the process off from the world, in the middle of whatever it does. Only what is on its disk comes to the next one.
func (p *process) kill(reboot bool) (next func() *process) {
	w, folder := p.w, p.w.t.TempDir()
	w.mu.Lock()
	defer w.mu.Unlock()
	p.dead.Store(true)
	if text, err := os.ReadFile(filepath.Join(w.folder, "leases.json")); err == nil {
		if err := os.WriteFile(filepath.Join(folder, "leases.json"), text, 0o600); err != nil {
			w.t.Error(err)
		}
	}
	w.folder = folder
	if reboot {
		w.boot++
	}
	return w.start
}

// hold is what a pipeline does with a slot.
func (p *process) hold(ctx context.Context, key string) {
	if e, ok := p.books.Adoptable("c"); ok {
		key = e.Key // the pool reserved it
	}
	err := guard.Run(func() error { return p.keeper.Run(ctx, p.line(key), lease.Place{Camera: "c", Key: key}) })
	var wait time.Duration
	switch err := err.(type) {
	case *lease.Left:
		p.janitor.Release(p.ctx, p.line(err.Entry.Key), err.Entry, nil)
		wait = err.Retry
	case *lease.Failed:
		wait = err.Retry
	case *lease.Unknown:
		wait = err.Retry
	case *guard.Panic:
		wait = time.Second
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
}

func (p *process) line(key string) lease.API { return &line{p, p.w.services[key]} }

// line is the way from a process to the service of one key.
type line struct {
	p       *process
	service *fakeAPI
}

// call carries one call there and back, as fate has it.
func (l *line) call(ctx context.Context, op overshoot.Op, id string, effect func()) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	way, what := l.p.w.next()
	sleep(ctx, way)
	if l.p.dead.Load() {
		return refusal(op, 500)
	}
	switch what {
	case 8:
		return refusal(op, 503)
	case 9:
		return refusal(op, 401)
	case 10:
		return &overshoot.Error{Op: op, Status: 429, RetryAfter: 3 * time.Second}
	case 11: // it arrives, and the answer never does
		l.take(effect)
		<-ctx.Done()
		return refusal(op, 500)
	case 12: // it arrives after we gave up
		<-ctx.Done()
		time.AfterFunc(2*time.Second, func() { l.take(effect) })
		return refusal(op, 500)
	case 13: // the service loses the stream
		l.service.mu.Lock()
		delete(l.service.expiry, id)
		l.service.mu.Unlock()
	}
	l.take(effect)
	sleep(ctx, way)
	if what == 14 || l.p.dead.Load() || ctx.Err() != nil {
		return refusal(op, 500)
	}
	return nil
}

func (l *line) take(effect func()) {
	effect()
	l.p.w.check()
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (l *line) Create(ctx context.Context) (overshoot.Stream, error) {
	return ask(ctx, l, overshoot.OpCreate, "", func() (overshoot.Stream, error) { return l.service.Create(ctx) })
}

func (l *line) Keepalive(ctx context.Context, id, region string) (overshoot.Stream, error) {
	return ask(ctx, l, overshoot.OpKeepalive, id, func() (overshoot.Stream, error) { return l.service.Keepalive(ctx, id, region) })
}

func (l *line) Get(ctx context.Context, id, region string) (overshoot.StreamState, error) {
	return ask(ctx, l, overshoot.OpGet, id, func() (overshoot.StreamState, error) { return l.service.Get(ctx, id, region) })
}

func (l *line) Delete(ctx context.Context, id, region string) error {
	_, err := ask(ctx, l, overshoot.OpDelete, id, func() (struct{}, error) { return struct{}{}, l.service.Delete(ctx, id, region) })
	return err
}

// ask brings back what the service answered, or the error of the way.
func ask[T any](ctx context.Context, l *line, op overshoot.Op, id string, serve func() (T, error)) (T, error) {
	var answer, none T
	var err error
	if lost := l.call(ctx, op, id, func() { answer, err = serve() }); lost != nil {
		return none, lost // the answer may still be under way
	}
	return answer, err
}

package lease_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
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
	return overshoot.Stream{
		ID: id, Region: "eu", TTL: f.ttl, SentAt: time.Now(), Grant: overshoot.Grant{URL: "ws://room", Token: token},
	}
}

func (f *fakeAPI) lives(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Now().Before(f.expiry[id])
}

// living returns the ids of all streams that take a slot now.
func (f *fakeAPI) living() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, expiry := range f.expiry {
		if time.Now().Before(expiry) {
			ids = append(ids, id)
		}
	}
	return ids
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
		if err := f.onDelete(); err != nil {
			return err
		}
	}
	delete(f.expiry, id)
	return nil
}

// here is the place of all keepers in these tests.
var here = lease.Place{Camera: "c", Key: "main", Fingerprint: "ab12"}

// bubbleClock is an uptime that goes by the clock of a synctest bubble.
func bubbleClock(boot string) wake.Clock {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when bubbles begin
	return wake.Clock{Boot: boot, Uptime: func() time.Duration { return time.Hour + time.Since(start) }}
}

// books is a journal with what it tells the outside.
type books struct {
	*lease.Journal
	folder string
	part   *status.Part
	reg    *prometheus.Registry
}

func openBooks(folder, boot string) books {
	b := books{folder: folder, reg: prometheus.NewRegistry()}
	b.part = status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("agent", lease.JournalKind)
	b.Journal = lease.OpenJournal(lease.JournalOptions{
		Folder: folder, Clock: bubbleClock(boot), Part: b.part, Metrics: lease.NewJournalMetrics(b.reg), Log: zap.NewNop(),
	})
	return b
}

// onDisk is what a process would find that were started now.
type onDisk struct {
	Streams []struct {
		ID     string  `json:"id"`
		Key    string  `json:"key"`
		BootID string  `json:"boot_id"`
		OverAt float64 `json:"over_at_uptime_s"`
	} `json:"streams"`
}

func readDisk(t *testing.T, folder string) (d onDisk) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "leases.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return d
	}
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Errorf("reading the journal: %v", err)
	}
	return d
}

// ids returns the streams of the file; an intent is "?".
func (d onDisk) ids() (ids []string) {
	for _, s := range d.Streams {
		if s.ID == "" {
			s.ID = "?"
		}
		ids = append(ids, s.ID)
	}
	return ids
}

// write puts a journal into a folder that tells of streams of the camera.
func write(t *testing.T, folder, streams string) {
	t.Helper()
	text := `{"version": 1, "streams": [` + streams + `]}`
	if err := os.WriteFile(filepath.Join(folder, "leases.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// waits is a Use that does nothing.
func waits(ctx context.Context, _ *lease.Lease) error { <-ctx.Done(); return ctx.Err() }

// bench is a keeper with all that is around it.
type bench struct {
	*lease.Keeper
	books books
	reg   *prometheus.Registry
}

// newBench returns a keeper whose journal is in folder, "" for a new one.
func newBench(t *testing.T, folder string, use func(context.Context, *lease.Lease) error) bench {
	t.Helper()
	if folder == "" {
		folder = t.TempDir()
	}
	b := bench{books: openBooks(folder, "boot"), reg: prometheus.NewRegistry()}
	b.Keeper = &lease.Keeper{
		Use: use, Journal: b.books.Journal, Log: zap.NewNop(), Metrics: lease.NewVectors(b.reg).Camera("c"),
		Part: status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("c", lease.Kind),
	}
	return b
}

// metric returns the value of a metric of the camera, by the end of its name.
func (b bench) metric(t *testing.T, name string) float64 { return metric(t, b.reg, "stream_"+name) }

func metric(t *testing.T, reg *prometheus.Registry, name string) (value float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Error(err)
	}
	for _, f := range families {
		if f.GetName() == "overshoot_agent_"+name {
			for _, m := range f.GetMetric() {
				value += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
			return value
		}
	}
	t.Errorf("there is no metric %s", name)
	return 0
}

// runFor lets the keeper run for a while, calls look just before it is stopped and returns what Run returned.
func runFor(t *testing.T, k *lease.Keeper, api lease.API, d time.Duration, look func()) error {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.Run(ctx, api, here) }()
	time.Sleep(d)
	synctest.Wait()
	if look != nil {
		look()
	}
	cancel()
	return <-done
}

// run is runFor where Run must release the stream.
func run(t *testing.T, k *lease.Keeper, api lease.API, d time.Duration, look func()) {
	t.Helper()
	if err := runFor(t, k, api, d, look); err != nil {
		t.Errorf("Run returned %v", err)
	}
}

// runOn calls Run again and again, as a pipeline does whose slot is always free, until d has passed.
func runOn(t *testing.T, k *lease.Keeper, api lease.API, d time.Duration) (outcomes []error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for ctx.Err() == nil {
		err := k.Run(ctx, api, here)
		outcomes = append(outcomes, err)
		wait := time.Duration(0)
		if failed, ok := errors.AsType[*lease.Failed](err); ok {
			wait = failed.Retry
		} else if unknown, ok := errors.AsType[*lease.Unknown](err); ok {
			wait = unknown.Retry
		}
		time.Sleep(wait)
	}
	return outcomes
}

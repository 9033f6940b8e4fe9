package pipeline_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/pipeline"
	"github.com/overshoot-ai/overshoot-agent/internal/publish"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/slot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"github.com/overshoot-ai/overshoot-agent/internal/watch"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// world is what stands around a pipeline: a service that keeps count of its streams, a camera, a room, and the parts of the agent that
// live longer than a camera. Its clock is that of the synctest bubble.
type world struct {
	t       *testing.T
	pool    *slot.Pool
	journal *lease.Journal
	board   *status.Board
	keys    []slot.Key
	accept  func(result.Result)

	dark   atomic.Bool // the cameras deliver nothing
	broken atomic.Bool // the next thing that a room does is to panic

	mu        sync.Mutex
	streams   map[string]string // id → key, of those that live
	made      int
	calls     []string // "create main", "delete s1" …
	refuse    map[string]int
	abandoned []lease.Entry
}

func newWorld(t *testing.T, slots map[string]int) *world {
	log := zap.NewNop()
	reg := prometheus.NewRegistry()
	w := &world{t: t, board: status.NewBoard(log, reg), streams: map[string]string{}, refuse: map[string]int{}, accept: func(result.Result) {}}
	w.pool = slot.NewPool(log, w.board, slot.NewMetrics(reg))
	start := time.Now()
	w.journal = lease.OpenJournal(lease.JournalOptions{
		Clock: wake.Clock{Boot: "b", Uptime: func() time.Duration { return time.Since(start) }},
		Part:  w.board.Add("agent", lease.JournalKind), Metrics: lease.NewJournalMetrics(reg), Log: log,
	})
	for name, n := range slots {
		client, err := overshoot.New(overshoot.Options{
			BaseURL: "https://service.test", Key: func() (string, error) { return "ovs-" + name, nil }, Transport: w,
		})
		if err != nil {
			t.Fatal(err)
		}
		w.keys = append(w.keys, slot.Key{Name: name, Slots: n, Client: client, Fingerprint: func() string { return name }})
	}
	slices.SortFunc(w.keys, func(a, b slot.Key) int { return strings.Compare(a.Name, b.Name) })
	w.pool.Configure(w.keys, 0)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { _ = w.pool.Run(ctx) }()
	t.Cleanup(cancel)
	return w
}

// RoundTrip is the service.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ovs-")
	path := strings.TrimPrefix(r.URL.Path, "/v1beta/")
	id := strings.TrimSuffix(strings.TrimPrefix(path, "streams/"), "/keepalive")
	code, body := http.StatusOK, `{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],"model":"m"}`
	switch {
	case path == "chat/completions":
	case r.Method == http.MethodPost && path == "streams":
		w.calls = append(w.calls, "create "+key)
		if code = w.refuse[key]; code != 0 {
			body = `{"error":"no"}`
			break
		}
		w.made++
		id = fmt.Sprintf("s%d", w.made)
		w.streams[id] = key
		code, body = http.StatusCreated, grant(id)
	case w.streams[id] == "":
		code, body = http.StatusNotFound, `{"error":"unknown stream"}`
	case r.Method == http.MethodDelete:
		w.calls = append(w.calls, "delete "+id)
		delete(w.streams, id)
		body = `{"deleted":true}`
	case r.Method == http.MethodPost:
		body = grant(id)
	default:
		body = fmt.Sprintf(`{"id":%q,"state":"active","last_frame_index":%d}`, id, time.Now().UnixMilli()/33)
	}
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func grant(id string) string {
	return fmt.Sprintf(`{"id":%q,"state":"active","ttl_seconds":60,"publish":{"type":"livekit","url":"wss://room.test","token":"t"}}`, id)
}

// lives returns the ids of the streams that live, sorted.
func (w *world) lives() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for id := range w.streams {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

func (w *world) log() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.calls, ", ")
}

// pipeline makes one life of a camera.
func (w *world) pipeline(name string, priority int, keep error) *pipeline.Pipeline {
	log, reg := zap.NewNop(), prometheus.NewRegistry()
	feed := hub.New(hub.NewVectors(reg).Camera(name))
	publishing := publish.NewVectors(reg).Camera(name)
	part := w.board.Add(name, camera.Kind)
	return &pipeline.Pipeline{
		Camera: name, Priority: priority, Hold: 30 * time.Second, Hub: feed, Pool: w.pool, Log: log,
		Keep: func(cause error) bool { return cause == keep },
		Abandon: func(e lease.Entry) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.abandoned = append(w.abandoned, e)
		},
		Source: &camera.Loop{
			Source: (*lens)(w), Video: feed, StallAfter: time.Hour, Part: part, Metrics: camera.NewVectors(reg).Camera(name),
			Intake: ingest.New(ingest.Options{Hub: feed, StallAfter: time.Hour, Part: part, Log: log, Metrics: ingest.NewVectors(reg).Camera(name)}),
		},
		Keeper: &lease.Keeper{Journal: w.journal, Part: w.board.Add(name, lease.Kind), Metrics: lease.NewVectors(reg).Camera(name), Log: log},
		Publisher: &publish.Loop{
			Publisher: (*room)(w), Attach: feed.Attach, Refresh: feed.Refresh, Parameters: feed.Parameters,
			Part: w.board.Add(name, publish.Kind), Metrics: publishing, Log: log,
		},
		Watchers: []*watch.Watcher{{
			Spec: config.Watch{
				Name: "w", Prompt: "?", Model: "m", Look: config.Look{Frame: true}, MaxTokens: 8,
				Every: config.Duration(time.Second), Timeout: config.Duration(time.Second),
			},
			Accept: func(_ context.Context, r result.Result) { w.accept(r) }, Stamp: func(r *result.Result) { r.Camera = name },
			Part: w.board.Add(name, watch.KindOf("w")), Metrics: watch.NewVectors(reg).Watch(name, "w"),
		}},
	}
}

// state is what the board shows of a camera's lease.
func (w *world) state(camera string) status.View {
	for _, u := range w.board.Units() {
		if u.Name == camera {
			return u.Parts["lease"]
		}
	}
	return status.View{}
}

// lens is the camera: a key frame ten times a second, unless the world is dark.
type lens world

func (l *lens) String() string { return "test://lens" }

func (l *lens) Run(ctx context.Context, r camera.Receiver) error {
	r.Begin(camera.Format{Codec: camera.H264})
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if l.dark.Load() {
			continue
		}
		for i, unit := range [][]byte{{0x67, 0x42, 0xc0, 0x1f}, {0x68, 0xce, 0x3c, 0x80}, {0x65, 0x88, 0x84}} {
			r.Packet(camera.Packet{Payload: unit, Timestamp: n * 9000, Marker: i == 2})
		}
	}
}

// room is where the camera publishes to.
type room world

func (m *room) Join(context.Context, overshoot.Grant, h264.Format) (publish.Session, error) {
	if m.broken.CompareAndSwap(true, false) {
		panic("the floor gave way")
	}
	return &visit{lost: make(chan struct{})}, nil
}

type visit struct{ lost chan struct{} }

func (v *visit) Write(camera.Packet)        {}
func (v *visit) KeyFrames() <-chan struct{} { return nil }
func (v *visit) Lost() <-chan struct{}      { return v.lost }
func (v *visit) Err() error                 { return nil }
func (v *visit) Close()                     {}

package ingest_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/overshoot-ai/overshoot-agent/internal/ingest"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

// tester is what *testing.T, *testing.F and *rapid.T have in common.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A screen is a hub that puts pictures together again, and looks at their form.
type screen struct {
	t tester

	mu       sync.Mutex
	changed  *sync.Cond
	over     bool
	begun    []camera.Parameters
	packets  int
	open     [][]byte // units of the picture that is not complete
	stamp    uint32   // of it
	fragment []byte
	broken   int // pictures begun and interrupted
	pictures []seen
}

// seen is a picture that was marked as whole.
type seen struct {
	units     [][]byte
	timestamp uint32
	session   int // how many had begun
}

func newScreen(t tester) *screen {
	s := &screen{t: t}
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *screen) Begin(p camera.Parameters) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = append(s.begun, p)
	s.open, s.fragment = nil, nil
}

func (s *screen) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.broken++
	s.open, s.fragment = nil, nil
}

func (s *screen) Packet(p camera.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packets++
	if len(p.Payload) == 0 || len(p.Payload) > camera.MaxPayload {
		s.t.Errorf("a payload of %d bytes", len(p.Payload))
	}
	if len(s.open) > 0 && p.Timestamp != s.stamp && h264.Look(s.open[len(s.open)-1]).Has(h264.Slice|h264.IDR) {
		s.t.Errorf("a picture without a marker at its end")
	}
	s.stamp = p.Timestamp
	if f, ok := h264.ParseFragment(p.Payload); ok {
		if f.Start {
			s.fragment = []byte{f.Header}
		}
		s.fragment = append(s.fragment, f.Body...)
		if f.End {
			s.open, s.fragment = append(s.open, s.fragment), nil
		}
	} else {
		h264.EachUnit(p.Payload, func(u []byte) { s.open = append(s.open, bytes.Clone(u)) })
	}
	if p.Marker {
		if s.fragment != nil {
			s.t.Errorf("a marker within a unit")
		}
		s.pictures = append(s.pictures, seen{s.open, p.Timestamp, len(s.begun)})
		s.open = nil
		s.changed.Broadcast()
	}
}

// all returns the pictures so far.
func (s *screen) all() []seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pictures[:len(s.pictures):len(s.pictures)]
}

// wait blocks until there are n pictures.
func (s *screen) wait(n int) []seen {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pictures) < n && !s.over {
		s.changed.Wait()
	}
	if len(s.pictures) < n {
		s.t.Fatalf("%d pictures came, want %d", len(s.pictures), n)
	}
	return s.pictures[:len(s.pictures):len(s.pictures)]
}

// end tells those who wait that no more pictures come, and again that they do.
func (s *screen) end()   { s.setOver(true) }
func (s *screen) again() { s.setOver(false) }

func (s *screen) setOver(over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = over
	s.changed.Broadcast()
}

func (p seen) content() (c h264.Content) {
	for _, unit := range p.units {
		c |= h264.Inspect(unit)
	}
	return c
}

// A rig is an intake before a screen.
type rig struct {
	*ingest.Intake
	options  ingest.Options
	screen   *screen
	registry *prometheus.Registry
	logs     *observer.ObservedLogs
	part     *status.Part
}

// thisMachine is probed once for all tests.
var thisMachine = sync.OnceValue(func() *encode.Encoders {
	return encode.NewEncoders(ffmpeg.New("ffmpeg", func(text string) string { return text }))
})

func newRig(t tester, o ingest.Options) *rig {
	core, logs := observer.New(zapcore.InfoLevel)
	r := &rig{screen: newScreen(t), registry: prometheus.NewRegistry(), logs: logs}
	r.part = status.NewBoard(zap.NewNop(), r.registry).Add("yard", camera.Kind)
	o.Hub, o.Part, o.Log = r.screen, r.part, zap.New(core)
	o.Metrics, o.Encoding = ingest.NewVectors(r.registry).Camera("yard"), encode.NewVectors(r.registry).Camera("yard")
	if o.StallAfter == 0 {
		o.StallAfter = time.Hour
	}
	if o.Encoders == nil {
		o.Encoders = thisMachine()
	}
	r.options, r.Intake = o, ingest.New(o)
	return r
}

// run starts Run. The result is its error.
func (r *rig) run(t testing.TB) (stop func() error, result <-chan error) {
	r.screen.again()
	ctx, cancel := context.WithCancel(context.Background())
	done, over := make(chan error, 1), make(chan error, 1)
	go func() {
		err := r.Run(ctx)
		r.screen.end()
		done <- err
		over <- err
	}()
	stop = sync.OnceValue(func() error { cancel(); return <-over })
	t.Cleanup(func() { _ = stop() })
	return stop, done
}

// metric returns the value of a series, given by the value of its label besides the camera's, if it has one.
func (r *rig) metric(t tester, name, label string) float64 {
	t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		t.Fatalf("%v", err)
	}
	for _, f := range families {
		if f.GetName() != "overshoot_agent_"+name {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if label == "" || l.GetValue() == label {
					return m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	t.Fatalf("there is no series %s %s", name, label)
	return 0
}

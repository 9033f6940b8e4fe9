//go:build vm

package v4l2_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/camera/v4l2"
)

// A viewer is a receiver that keeps what it is given.
type viewer struct {
	begun   chan camera.Format
	packets chan camera.Packet // with payloads of their own; when it is full the oldest go

	mu   sync.Mutex
	lost int
}

func newViewer() *viewer {
	return &viewer{begun: make(chan camera.Format, 4), packets: make(chan camera.Packet, 256)}
}

func (v *viewer) Begin(f camera.Format) { v.begun <- f }

func (v *viewer) Packet(p camera.Packet) {
	p.Payload = bytes.Clone(p.Payload)
	v.mu.Lock()
	v.lost += p.Lost
	v.mu.Unlock()
	for {
		select {
		case v.packets <- p:
			return
		default:
		}
		select {
		case <-v.packets:
		default:
		}
	}
}

// An attempt is a source at work.
type attempt struct {
	*viewer
	stop  context.CancelFunc
	ended chan error
}

// run starts an attempt that ends with the test.
func run(t *testing.T, s *v4l2.Source) *attempt {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	a := &attempt{newViewer(), stop, make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.ended <- s.Run(ctx, a.viewer)
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return a
}

// next waits for something from an attempt that must not end before.
func next[T any](t *testing.T, from <-chan T, a *attempt) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case err := <-a.ended:
		t.Fatalf("ended: %v", err)
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came in 20s")
	}
	panic("unreachable")
}

// end waits for an attempt that ends by itself.
func end(t *testing.T, a *attempt) error {
	t.Helper()
	select {
	case err := <-a.ended:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("still running after 20s")
	}
	panic("unreachable")
}

// A signal is given once.
type signal struct {
	once  sync.Once
	given chan struct{}
}

func newSignal() *signal { return &signal{given: make(chan struct{})} }

func (s *signal) give() { s.once.Do(func() { close(s.given) }) }

// fact returns what a report says under a name, "" for nothing; several are joined.
func fact(s *v4l2.Source, name string) string {
	var values []string
	for _, f := range s.Report().Facts {
		if f.Name == name {
			values = append(values, f.Value)
		}
	}
	return strings.Join(values, "\n")
}

package v4l2

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

const (
	farewell  = 500 * time.Millisecond // for a driver to let go of its device when it is told to
	untangled = 2 * time.Second        // for one that did not, before the next attempt gives up
)

// A tether runs what may hang in the kernel: a camera whose firmware died keeps its driver busy for seconds, and sometimes for ever. Nobody can
// be called back from there, so who hangs is left behind, and nothing of what it still delivers gets through.
type tether struct {
	left chan struct{} // closed when who was left behind has come back; nil when nobody was
}

// run calls work with a receiver that leads to r, and returns what it returns, or soon after ctx ended. It is called by one goroutine at a time.
func (t *tether) run(ctx context.Context, r camera.Receiver, work func(camera.Receiver) error) error {
	if err := t.untangle(ctx); err != nil {
		return err
	}
	g := &gate{to: r}
	back := make(chan struct{})
	var err error
	go func() {
		defer close(back)
		err = guard.Run(func() error { return work(g) })
	}()
	select {
	case <-back:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-back:
		return err
	case <-timer.C:
		g.close()
		t.left = back
		return fmt.Errorf("the driver hangs and was left behind: %w", ctx.Err())
	}
}

// untangle waits for who was left behind by the run before: until it is back, the device is ours and busy.
func (t *tether) untangle(ctx context.Context) error {
	if t.left == nil {
		return nil
	}
	timer := time.NewTimer(untangled)
	defer timer.Stop()
	select {
	case <-t.left:
		t.left = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return &camera.Fault{
			Reason: camera.Stalled, Err: errors.New("the driver still hangs in what it was last asked"),
			Advice: "unplug the camera and plug it in again; if that does not help, restart the computer",
		}
	}
}

// A gate is a receiver that can be closed.
type gate struct {
	mu     sync.Mutex
	to     camera.Receiver
	closed bool
}

func (g *gate) Begin(f camera.Format) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.to.Begin(f)
	}
}

func (g *gate) Packet(p camera.Packet) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.to.Packet(p)
	}
}

// close waits for a packet that is on its way.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
}

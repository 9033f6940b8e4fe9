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

	// beginning is for how long a device may be set up. A camera that does not answer costs its driver five seconds with each question, so it may
	// take long until the driver says so; for one that never does nobody must wait in silence.
	beginning = 30 * time.Second
)

// A tether runs what may hang in the kernel: a camera whose firmware died keeps its driver busy for seconds, and sometimes for ever. Nobody can
// be called back from there, so who hangs is left behind, and nothing of what it still delivers gets through.
type tether struct {
	left chan struct{} // closed when who was left behind has come back; nil when nobody was
}

// run calls work with a receiver that leads to r, and returns what it returns, or soon after ctx ended, or when it does not come to begin. ctx ends
// when run has returned: work must not go on for longer than it has to. It is called by one goroutine at a time.
func (t *tether) run(ctx context.Context, r camera.Receiver, work func(camera.Receiver) error) error {
	if err := t.untangle(ctx); err != nil {
		return err
	}
	g := &gate{to: r, begun: make(chan struct{})}
	back := make(chan struct{})
	var err error
	go func() {
		defer close(back)
		err = guard.Run(func() error { return work(g) })
	}()
	if why := stays(ctx, back, g.begun); why != nil && !returns(back, farewell) {
		g.close()
		t.left = back
		return why
	}
	<-back
	return err
}

// stays waits for the end of work, and returns nil then; or why it is not to be waited for any more.
func stays(ctx context.Context, back, begun <-chan struct{}) error {
	late := time.NewTimer(beginning)
	defer late.Stop()
	select {
	case <-back:
		return nil
	case <-begun:
	case <-ctx.Done():
	case <-late.C:
		return hangs("the driver does not come back from setting up the camera")
	}
	select {
	case <-back:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the driver hangs and was left behind: %w", ctx.Err())
	}
}

// returns waits for work, and not for ever.
func returns(back <-chan struct{}, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-back:
		return true
	case <-timer.C:
		return false
	}
}

func hangs(how string) error {
	return &camera.Fault{
		Reason: camera.Stalled, Err: errors.New(how),
		Advice: "unplug the camera and plug it in again; if that does not help, restart the computer",
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
		return hangs("the driver still hangs in what it was last asked")
	}
}

// A gate is a receiver that can be closed.
type gate struct {
	mu     sync.Mutex
	to     camera.Receiver
	begun  chan struct{} // closed when Begin was called, which is done once
	closed bool
}

func (g *gate) Begin(f camera.Format) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.closed {
		g.to.Begin(f)
		close(g.begun)
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

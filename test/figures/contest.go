package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

// A contest is one run of one process with its cameras, and with what it sends to.
type contest struct {
	settings
	cameras *cameras
	passage *passage
	clip    *clip
	n       int

	process *process
	port    int                    // that it sends to over UDP
	counts  func() (counts, error) // nil: it does not count
	ready   func() error           // nil: all there
	close   []func()               // in reverse
}

// measured runs the floor (every is 0), or the agent.
func (s settings) measured(ctx context.Context, c *clip, n int, every time.Duration) (r row, err error) {
	t := &contest{settings: s, clip: c, n: n, passage: newPassage(c)}
	defer func() {
		for i := len(t.close) - 1; i >= 0; i-- {
			t.close[i]()
		}
	}()
	if t.cameras, err = startCameras(n, c, t.passage); err != nil {
		return r, err
	}
	t.close = append(t.close, t.cameras.close)
	if every == 0 {
		err = t.setUpFloor()
	} else {
		err = t.setUpAgent(ctx, every)
	}
	if err == nil {
		err = t.waitReady(ctx)
	}
	if err != nil {
		return r, err
	}
	return t.measure(ctx)
}

func (t *contest) setUpFloor() error {
	f, err := startFloor(t.relay, t.cameras, t.n, t.passage)
	if err != nil {
		return err
	}
	t.close = append(t.close, f.stop)
	t.process, t.port, t.ready = f.process, f.port(), f.alive
	return nil
}

func (t *contest) setUpAgent(ctx context.Context, every time.Duration) error {
	folder, err := os.MkdirTemp("", "figures")
	if err != nil {
		return err
	}
	t.close = append(t.close, func() { _ = os.RemoveAll(folder) })
	media, err := startMediaServer(ctx, t.livekit)
	if err != nil {
		return err
	}
	t.close = append(t.close, media.stop)
	api := startService(media, t.passage)
	t.close = append(t.close, api.close)
	a, err := startAgent(t.agent, folder, t.cameras, t.n, api, every)
	if err != nil {
		return err
	}
	t.close = append(t.close, a.stop)
	t.process, t.port, t.counts = a.process, media.media, a.counts
	t.ready = func() error {
		viewers, err := api.viewers()
		if err == nil && viewers < t.n {
			err = fmt.Errorf("%d of %d rooms have a viewer", viewers, t.n)
		}
		return errors.Join(err, a.alive())
	}
	return nil
}

// waitReady returns when the pictures of all cameras arrive.
func (t *contest) waitReady(ctx context.Context) error {
	var err error
	for range 30 {
		before := t.passage.pictures.Load()
		if !retry.Sleep(ctx, time.Second) {
			return ctx.Err()
		}
		err = t.ready()
		if rate := t.passage.pictures.Load() - before; err == nil && float64(rate) > 0.95*float64(t.n*picturesPerSecond) {
			return nil
		}
	}
	return errors.Join(errors.New("not all pictures arrive"), err, t.process.failure("its output"))
}

// measure takes the figures of a contest that has settled.
func (t *contest) measure(ctx context.Context) (r row, err error) {
	retry.Sleep(ctx, t.warmUp)
	before, err := t.baseline()
	if err != nil {
		return r, err
	}
	t.passage.measuring.Store(true)
	began := time.Now()
	cpu, err := t.process.cpu()
	if err != nil {
		return r, err
	}
	retry.Sleep(ctx, t.duration)
	used, err := t.process.cpu()
	if err != nil {
		return r, err
	}
	took := time.Since(began).Seconds()
	r.cpu = (used - cpu).Seconds() / took
	r.through, r.arrived = t.passage.result()
	if t.counts != nil {
		after, err := t.counts()
		if err != nil {
			return r, err
		}
		r.allocations = (after.allocations - before.allocations) / (after.sent - before.sent)
		packets, _ := t.clip.rate()
		r.sent = (after.sent - before.sent) / (took * packets * float64(t.n))
	}
	if r.memory, err = t.process.memory(); err != nil {
		return r, err
	}
	err = t.lookInside(ctx, &r)
	r.unsent = t.cameras.unsent.Load()
	return r, err
}

// baseline counts what was before, and in advance what counting once more will allocate.
func (t *contest) baseline() (c counts, err error) {
	if t.counts == nil {
		return c, nil
	}
	if c, err = t.counts(); err != nil {
		return c, err
	}
	again, err := t.counts()
	again.allocations += again.allocations - c.allocations
	return again, err
}

// lookInside measures the time inside the process. Not being allowed to sniff is no failure.
func (t *contest) lookInside(ctx context.Context, r *row) error {
	in := newInside()
	s, err := sniff(t.cameras.port(), t.port, in)
	if err != nil {
		fmt.Fprintln(os.Stderr, "the time inside is not measured:", err)
		return nil
	}
	retry.Sleep(ctx, t.sniffing)
	s.stop()
	r.inside, r.followed = in.took.spread(), in.seen()
	return t.process.alive()
}

package ingest

import (
	"context"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

// works does what must not hold up the source, on the goroutine of Run: it transcodes, and it refuses. The source's goroutine gives the
// orders, and each takes the place of the one before.
type works struct {
	options encode.Options
	hub     Hub

	transcoder *encode.Transcoder // the newest; belongs to the source's goroutine

	mu    sync.Mutex
	order order
}

// An order is what is to be done until it is over.
type order struct {
	refusal    *camera.Fault
	transcoder *encode.Transcoder
	outlet     *outlet
	over       chan struct{}
}

func newWorks(o Options, using func(encoder string)) *works {
	return &works{
		hub:   o.Hub,
		order: order{over: make(chan struct{})},
		options: encode.Options{
			MaxHeight: o.MaxHeight, Patience: patience(o.StallAfter), Using: using, Encoders: o.Encoders, Log: o.Log, Metrics: o.Encoding,
		},
	}
}

// patience is for how long an encoder may give nothing: it must be replaced before the watchdog takes the camera for dead.
func patience(stallAfter time.Duration) time.Duration { return min(stallAfter*4/5, 4*time.Second) }

// transcode begins to transcode what write brings.
func (w *works) transcode(f camera.Format) {
	if w.transcoder == nil || w.options.Codec != f.Codec {
		w.options.Codec = f.Codec
		w.transcoder = encode.New(w.options)
	}
	w.transcoder.Begin(f)
	w.give(order{transcoder: w.transcoder, outlet: &outlet{hub: w.hub}})
}

// write takes a picture to be transcoded, which is borrowed.
func (w *works) write(units [][]byte, timestamp uint32) {
	if w.transcoder != nil {
		w.transcoder.Write(encode.Picture{Units: units, Timestamp: timestamp})
	}
}

// keyFrame asks for a key frame, from any goroutine, and reports whether one will come at once.
func (w *works) keyFrame() bool {
	o := w.newest()
	return o.transcoder != nil && o.transcoder.KeyFrame()
}

// refuse ends the session.
func (w *works) refuse(why *camera.Fault) { w.give(order{refusal: why}) }

// stop ends all work. When it returns, nothing of it reaches the hub any more.
func (w *works) stop() { w.give(order{}) }

func (w *works) give(next order) {
	next.over = make(chan struct{})
	w.mu.Lock()
	before := w.order
	w.order = next
	w.mu.Unlock()
	close(before.over)
	if before.outlet != nil {
		before.outlet.close()
	}
}

func (w *works) newest() order {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.order
}

// run carries out orders until ctx ends or one turns out to be the last of the session.
func (w *works) run(ctx context.Context) error {
	defer w.stop() // what is left of the session must not be taken for an order of the next
	for {
		o := w.newest()
		switch {
		case o.refusal != nil:
			return o.refusal
		case o.transcoder != nil:
			if err := o.transcode(ctx); err != nil {
				return err
			}
		default:
			select {
			case <-o.over:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// transcode returns nil when the order is over.
func (o order) transcode(ctx context.Context) error {
	running, end := context.WithCancel(ctx)
	defer end()
	go func() {
		defer end()
		select {
		case <-o.over:
		case <-running.Done():
		}
	}()
	err := o.transcoder.Run(running, o.outlet)
	select {
	case <-o.over:
		if ctx.Err() == nil && !guard.Panicked(err) {
			return nil
		}
	default:
	}
	return err
}

// outlet lets pictures out to the hub until it is closed.
type outlet struct {
	hub    Hub
	mu     sync.Mutex
	closed bool
}

// Packet implements encode.Receiver.
func (o *outlet) Packet(p camera.Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.closed {
		o.hub.Packet(p)
	}
}

// close waits for a packet that is on its way.
func (o *outlet) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
}

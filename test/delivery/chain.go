package main

import (
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// A chain is a spool with sinks, wired as in the agent.
type chain struct {
	spool  *spool.Spool
	board  *status.Board
	sinks  *sink.Vectors
	stop   context.CancelFunc
	ctx    context.Context
	loops  sync.WaitGroup
	number uint64
}

func newChain(ctx context.Context, folder string) (*chain, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, err
	}
	reg := prometheus.NewRegistry()
	c := &chain{board: status.NewBoard(zap.NewNop(), reg), sinks: sink.NewVectors(reg)}
	c.ctx, c.stop = context.WithCancel(ctx)
	c.spool = spool.Open(spool.Options{
		Folder: folder, Sync: time.Second, MaxBytes: 256 << 20, MaxAge: 24 * time.Hour, OnFull: spool.DropOldest, Log: zap.NewNop(),
		Part: c.board.Add("agent", spool.Kind), Meters: spool.NewMeters(reg),
	})
	return c, nil
}

// add has the results delivered to a sink as well.
func (c *chain) add(name string, to sink.Sink) (*arrivals, error) {
	queue, err := c.spool.Queue(name)
	if err != nil {
		return nil, err
	}
	a := &arrivals{Sink: to, at: map[string]time.Time{}}
	loop := sink.Loop{
		Name: name, Sink: a, Queue: queue, MaxAttempts: 5, Part: c.board.Add(name, sink.StatusKind), Metrics: c.sinks.Sink(name), Log: zap.NewNop(),
	}
	c.loops.Go(func() { _ = loop.Run(c.ctx, 0) })
	return a, nil
}

// close ends all loops and the spool.
func (c *chain) close() error {
	c.stop()
	c.loops.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return c.spool.Close(ctx)
}

// put hands the next result to the spool.
func (c *chain) put(sinks ...string) (*spool.Receipt, result.Result, error) {
	c.number++
	r := result.Result{
		ID: result.NewID(), Sequence: c.number, Time: time.Now(), Agent: "nvr-01", Camera: "front-door", Watch: "people", StreamID: result.NewID(),
		Model: "google/gemma-4-26B-A4B-it", OK: true, Answer: answerOfModel, FinishReason: "stop", Latency: 400 * time.Millisecond,
		Usage: result.Usage{PromptTokens: 301, CompletionTokens: 40},
	}
	receipt, err := c.spool.Append(c.ctx, r, sinks)
	return receipt, r, err
}

// answerOfModel makes a result about 700 bytes long.
var answerOfModel = func() json.RawMessage {
	text, err := json.Marshal(map[string]any{"people": 2, "description": strings.Repeat("A person in a red coat at the door. ", 5)})
	if err != nil {
		panic(err)
	}
	return text
}()

// arrivals note when a sink has taken what.
type arrivals struct {
	sink.Sink
	mu     sync.Mutex
	at     map[string]time.Time
	failed error // the last that failed, when none was taken since
}

// Deliver implements sink.Sink.
func (a *arrivals) Deliver(ctx context.Context, batch []result.Result) (int, error) {
	taken, err := a.Sink.Deliver(ctx, batch)
	if err == nil {
		taken = len(batch)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.failed = err
	for _, r := range batch[:taken] {
		a.at[r.ID] = time.Now()
	}
	return taken, err
}

// failure returns what keeps a sink that is meant to work from doing so.
func (a *arrivals) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.at)
}

// await blocks until n results have arrived.
func (a *arrivals) await(ctx context.Context, n int) error {
	for a.count() < n {
		if err := a.failure(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// percentile returns the p-th of some times, which it sorts.
func percentile(times []time.Duration, p float64) time.Duration {
	slices.Sort(times)
	return times[min(len(times)-1, int(float64(len(times))*p))]
}

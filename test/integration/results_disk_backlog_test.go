package integration

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// An agent that finds a great many results in its spool starts as fast as ever, needs little more memory, and delivers them all.
func TestABacklogAtTheStart(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.program = program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent")
	o.addFile("archive", "")
	hook := o.addHook("hook", "batch: 64")
	look := time.Duration(scale(1, 3)) * time.Second
	empty := o.start()
	usual := o.mostMemoryOf(empty, look)
	o.stop(empty)

	n := scale(5000, 100_000)
	o.fillSpool(n)
	hook.down()
	start := time.Now()
	a := o.launch()
	a.waitStarted()
	ready := durations{time.Since(start)}
	waiting := o.mostMemoryOf(a, look)
	hook.up()
	start = time.Now()
	delivering := o.mostMemoryOf(a, look)
	o.ledger.waitComplete(2 * patience)
	o.ledger.waitProbe()
	_, last := hook.got.drain(start, o.ledger)
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	o.ledger.check()
	ready.report(t, fmt.Sprintf("start with %d results in the spool", n), 2*time.Second)
	t.Logf("the webhook had them %v after it was back; memory: %.1f MB with an empty spool, %.1f MB with all of them waiting, %.1f MB while they were delivered (promised: 32 MB more)",
		last.Round(time.Millisecond), usual, waiting, delivering)
	if more := max(waiting, delivering) - usual; more > 64 {
		t.Errorf("%.1f MB more is far from 32", more)
	}
}

// mostMemoryOf watches an agent for a while and returns the most resident memory that it had, in MB.
func (o *load) mostMemoryOf(a *agent, d time.Duration) (most float64) {
	o.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		most = max(most, a.metric("process_resident_memory_bytes")/1e6)
	}
	return most
}

// fillSpool puts results into the spool as if an agent had done so, for all sinks, and tells the ledger.
func (o *load) fillSpool(n int) {
	o.t.Helper()
	must(o.t, os.MkdirAll(o.stateDir(), 0o750))
	s := spool.Open(spool.Options{
		Folder: o.stateDir(), Sync: spool.SyncNever, MaxBytes: 256 << 20, OnFull: spool.Block, Log: zap.NewNop(),
		Part:   status.NewBoard(zap.NewNop(), prometheus.NewRegistry()).Add("spool", spool.Kind),
		Meters: spool.NewMeters(prometheus.NewRegistry()),
	})
	const first = 1 << 40 // far from the numbers of the simulator
	for i := range n {
		serial := int64(first + i)
		content := fmt.Sprintf(`{"serial":%d}`, serial)
		_, err := s.Append(o.t.Context(), result.Result{
			ID: result.NewID(), Sequence: uint64(i + 1), Time: time.Now(), Agent: "test-agent", Camera: "former", Watch: "ask-1",
			StreamID: "none", Model: gemma, OK: true, Answer: []byte(content), FinishReason: "stop",
		}, o.names)
		must(o.t, err)
		o.ledger.issued[serial] = issue{serial: serial, stream: "none", content: content, asked: time.Now(), at: time.Now()}
	}
	must(o.t, s.Close(o.t.Context()))
}

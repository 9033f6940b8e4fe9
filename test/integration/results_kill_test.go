package integration

import (
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An agent that is killed again and again at random moments, while results come fast and one of its sinks is behind, loses nothing that
// it had accepted.
func TestResultsSurviveKills(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.asks = 8
	o.addFile("archive", "")
	hook := o.addHook("hook", "timeout: 2s")
	k := &killer{load: o, dice: rand.New(rand.NewPCG(7, 11))}
	rounds := scale(5, 200)
	for round := range rounds {
		switch round % 5 {
		case 1:
			hook.down() // what waits for it has to survive the kills that follow
		case 4:
			hook.up()
		}
		k.round(round)
	}
	hook.up()
	a := o.start()
	o.ledger.waitProbe()
	o.quiet()
	t.Logf("complete %v after the last answer", o.ledger.waitComplete(patience).Round(time.Millisecond))
	o.stop(a)
	o.ledger.check()
	k.ready.report(t, "from the start of a process that follows a kill until it is ready", 2*time.Second)
}

// A killer starts agents and kills them.
type killer struct {
	*load
	dice  *rand.Rand
	ready durations
}

// round starts an agent and kills it at a random moment: while it starts, or when it has been making results for a while.
func (k *killer) round(n int) {
	k.t.Helper()
	start := time.Now()
	a := k.launch()
	if n%4 == 2 {
		time.Sleep(time.Duration(float64(time.Second) * math.Exp(-5*k.dice.Float64())))
		k.kill(a)
		return
	}
	k.waitReady(a)
	if n > 0 {
		k.ready = append(k.ready, time.Since(start))
	}
	k.waitAnswers(1)
	time.Sleep(time.Duration(k.dice.Int64N(int64(1500 * time.Millisecond))))
	k.kill(a)
}

// waitReady blocks until the agent has opened its spool and answers. It looks more often than others do.
func (k *killer) waitReady(a *agent) {
	k.t.Helper()
	for end := time.Now().Add(patience); !strings.Contains(a.stderr.String(), "agent started"); time.Sleep(5 * time.Millisecond) {
		select {
		case <-a.ended:
			k.t.Fatalf("the agent ended: %s", a.stderr)
		default:
		}
		if time.Now().After(end) {
			k.t.Fatalf("the agent did not start within %v", patience)
		}
	}
	a.waitStarted()
	if code, text := a.get("/healthz"); code != http.StatusOK {
		k.t.Errorf("/healthz: %d %s", code, text)
	}
}

// An agent that is stopped in order while a sink is down leaves to the next what that has not taken.
func TestResultsSurviveACleanStop(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.addFile("archive", "rotate: {size: 64KiB}")
	hook := o.addHook("hook", "batch: 20")
	hook.down()
	for range scale(2, 20) {
		a := o.start()
		o.waitAnswers(50)
		o.stop(a)
	}
	hook.up()
	a := o.start()
	o.ledger.waitProbe()
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	o.ledger.check()
}

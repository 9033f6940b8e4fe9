package integration

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// A webhook that is away for minutes gets everything when it is back, in order and soon.
func TestResultsOutliveAnOutageOfAWebhook(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.program = program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent") // the race detector makes of the time to drain another one
	o.asks = scale(6, 2)
	o.addFile("archive", "")
	hook := o.addHook("hook", "")
	a := o.start()
	for _, c := range []struct {
		name    string
		away    func()
		results int
		least   time.Duration
	}{
		{"refuses connections", hook.down, scale(200, 3600), time.Duration(scale(8, 180)) * time.Second},
		{"answers 503", func() { hook.answers(always(reply{status: http.StatusServiceUnavailable})) }, scale(0, 3600), time.Duration(scale(0, 180)) * time.Second},
	} {
		if c.results == 0 {
			continue
		}
		o.ledger.waitProbe()
		c.away()
		start := time.Now()
		before := len(o.ledger.issued)
		within(t, 2*c.least+patience, "the outage is over", func() bool {
			o.ledger.refresh()
			return len(o.ledger.issued) >= before+c.results && time.Since(start) > c.least
		})
		waiting := a.metric("overshoot_agent_spool_records", "sink", "hook")
		hook.answers(takes)
		if c.least > 0 && hook.server == nil {
			hook.up()
		}
		back := time.Now()
		o.ledger.waitComplete(patience)
		first, last := hook.got.drain(back, o.ledger)
		t.Logf("a webhook that %s for %v: %.0f results waited; the first arrived %v after it was back, all %v after (promised: 10s)",
			c.name, back.Sub(start).Round(time.Second), waiting, first.Round(time.Millisecond), last.Round(time.Millisecond))
	}
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	o.ledger.check()
}

// drain tells how long after a moment the first result arrived, and the last one of those that had been answered before it.
func (a *arrivals) drain(moment time.Time, l *ledger) (first, last time.Duration) {
	for serial, r := range a.serials() {
		if !r.at.After(moment) {
			continue
		}
		if d := r.at.Sub(moment); first == 0 || d < first {
			first = d
		}
		if l.issued[serial].at.Before(moment) {
			last = max(last, r.at.Sub(moment))
		}
	}
	return first, last
}

// A sink in trouble delays no other one. The troubles take turns, so that the load of the machine is about the same for each.
func TestASinkInTroubleDisturbsNoOther(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.program = program(t, "OVERSHOOT_AGENT_PLAIN_BIN", "bin/overshoot-agent")
	archive := o.addFile("archive", "")
	well, ill := o.addHook("well", ""), o.addHook("ill", "timeout: 3s")
	archive.follow(t)
	a := o.start()
	o.ledger.waitProbe()
	troubles := []struct {
		name string
		does answerer
	}{
		{"takes everything", takes},
		{"takes a byte a second", always(reply{status: http.StatusNoContent, perByte: time.Second})},
		{"hangs", always(reply{hang: true})},
		{"answers 500", always(reply{status: http.StatusInternalServerError})},
		{"answers 429, come back in 2 s", always(reply{status: http.StatusTooManyRequests, headers: map[string]string{"Retry-After": "2"}})},
	}
	times := map[string][][2]time.Time{}
	for range scale(1, 10) {
		eventually(t, "nothing waits any more", func() bool { return a.metric("overshoot_agent_spool_records", "sink", "ill") < 10 })
		for _, trouble := range troubles {
			ill.answers(trouble.does)
			begin := time.Now()
			time.Sleep(time.Duration(scale(2, 6)) * time.Second) // long enough for figures
			times[trouble.name] = append(times[trouble.name], [2]time.Time{begin, time.Now()})
		}
		ill.answers(takes)
	}
	o.quiet()
	o.ledger.waitComplete(patience)
	for _, trouble := range troubles {
		t.Logf("while a sink %s: from result to arrival at the other webhook %s, in the file %s", trouble.name,
			o.ledger.delays(well.got, times[trouble.name]).quick(), o.ledger.delays(archive, times[trouble.name]).quick())
	}
	o.stop(a)
	o.ledger.check()
}

// quick shows durations of a few milliseconds.
func (d durations) quick() string {
	if len(d) == 0 {
		return "none"
	}
	show := func(percent int) time.Duration { return d.percentile(percent).Round(100 * time.Microsecond) }
	return fmt.Sprintf("n %d, p50 %v, p99 %v, longest %v", len(d), show(50), show(99), show(100))
}

// One result that a receiver never takes is put aside, the next go on, and a person sees it and has it delivered again.
func TestARefusedResultIsPutAsideAndReplayed(t *testing.T) {
	t.Parallel()
	o := newLoad(t)
	o.addFile("archive", "")
	hook := o.addHook("hook", "max_attempts: 3")
	poison := ""
	hook.answers(func(ids []string) reply {
		if poison == "" {
			poison = ids[0]
		}
		if slices.Contains(ids, poison) {
			return reply{status: http.StatusUnprocessableEntity}
		}
		return reply{status: http.StatusNoContent}
	})
	a := o.start()
	eventually(t, "the refused result is put aside", func() bool {
		return a.metric("overshoot_agent_spool_dead_letters", "sink", "hook") == 1
	})
	o.ledger.waitProbe()
	if n := a.metric("overshoot_agent_spool_dropped_total", "sink", "hook", "reason", "deadletter"); n != 1 {
		t.Errorf("%v dead letters are counted", n)
	}
	if _, text := runAgent(t, "spool", "inspect", "--state-dir", o.stateDir()); !strings.HasSuffix(oneLine(text, "hook"), " 1") {
		t.Errorf("the dead letter is not shown: %s", text)
	}
	o.quiet()
	o.ledger.excuse("hook", 1)
	o.ledger.waitComplete(patience)
	o.stop(a)

	hook.answers(takes)
	if code, text := runAgent(t, "spool", "replay", "--state-dir", o.stateDir(), "--sink", "hook", "--since", "1h"); code != 0 || !strings.Contains(text, "1 results") {
		t.Errorf("exit code %d: %s", code, text)
	}
	o.ledger.excuse("hook", -1)
	a = o.launch()
	a.waitStarted()
	o.ledger.waitComplete(patience)
	o.loud()
	o.ledger.waitProbe()
	o.quiet()
	o.ledger.waitComplete(patience)
	o.stop(a)
	o.ledger.check()
	all, _ := hook.got.list()
	if n := slices.IndexFunc(all, func(r arrival) bool { return r.id == poison }); n < 0 || !all[n].replayed {
		t.Errorf("%s did not arrive marked as replayed", poison)
	}
}

// oneLine returns the first line that begins with a word, without the white space between its words.
func oneLine(text, word string) string {
	for line := range strings.Lines(text) {
		if words := strings.Fields(line); len(words) > 0 && words[0] == word {
			return strings.Join(words, " ")
		}
	}
	return ""
}

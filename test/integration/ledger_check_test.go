package integration

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// check judges all that has happened, and prints the figures. It is for the end, when all should have arrived.
func (l *ledger) check() {
	t := l.t
	t.Helper()
	l.refresh()
	bytes := map[string]string{} // by id
	ids := map[int64]string{}    // by serial number
	for _, a := range l.places() {
		spurious, corrupted := l.judgeContent(a, bytes, ids)
		if spurious+corrupted > 0 {
			t.Errorf("%s: %d results are spurious, %d corrupted", a.name, spurious, corrupted)
		}
	}
	accepted, excused := l.accepted(), int64(0)
	for _, a := range l.sinks {
		excused = max(excused, l.excused[a.name])
		missing := l.missing(a, accepted)
		if int64(len(missing)) > l.excused[a.name] {
			t.Errorf("%s: %d results are missing, and %d were counted as dropped:%s", a.name, len(missing), l.excused[a.name], l.describe(missing))
		}
		disorder := a.disorder()
		for _, d := range disorder[:min(3, len(disorder))] {
			t.Errorf("%s: %s", a.name, d)
		}
		t.Logf("sink %s: missing %d of %d accepted (dropped and counted: %d), spurious and corrupted 0 unless told above, order violations %d, duplicates %d",
			a.name, len(missing), len(accepted), l.excused[a.name], len(disorder), a.duplicates())
	}
	if gaps := l.gaps(); int64(gaps) > excused {
		t.Errorf("%d sequence numbers belong to no result", gaps)
	}
	lost, oldest := l.lost(accepted)
	t.Logf("ledger: %d answers, %d accepted, %d ends of agents, at which %d answers were not accepted, the oldest of them %v old",
		len(l.issued), len(accepted), len(l.ends), lost, oldest.Round(time.Millisecond))
}

// judgeContent compares what arrived with what was answered. bytes and ids remember what others have got.
func (l *ledger) judgeContent(a *arrivals, bytes map[string]string, ids map[int64]string) (spurious, corrupted int) {
	l.t.Helper()
	all, broken := a.list()
	for _, b := range broken {
		corrupted++
		l.t.Logf("%s: not a result: %.200s", a.name, b)
	}
	for _, r := range all {
		i, ok := l.issued[r.serial]
		switch {
		case !ok || ids[r.serial] != "" && ids[r.serial] != r.id:
			spurious++
			l.t.Logf("%s: %s was never answered, or is a second result of one answer (%s)", a.name, r.text, ids[r.serial])
		case r.content != i.content || r.stream != i.stream || bytes[r.id] != "" && bytes[r.id] != r.text:
			corrupted++
			l.t.Logf("%s: got %s\nanswered %s about %s\nother arrivals with this id have %s", a.name, r.text, i.content, i.stream, bytes[r.id])
		}
		bytes[r.id], ids[r.serial] = r.text, r.id
	}
	return spurious, corrupted
}

// gaps counts the sequence numbers that were used for results which nobody got.
func (l *ledger) gaps() (n int) {
	seen := map[string]map[int]bool{}
	for _, a := range l.places() {
		all, _ := a.list()
		for _, r := range all {
			if seen[r.subject] == nil {
				seen[r.subject] = map[int]bool{}
			}
			seen[r.subject][r.sequence] = true
		}
	}
	for _, sequences := range seen {
		n += slices.Max(slices.Collect(maps.Keys(sequences))) - len(sequences)
	}
	return n
}

// lost counts the answers that were not accepted because an agent ended, and tells how long before that the oldest was given.
func (l *ledger) lost(accepted []int64) (n int, oldest time.Duration) {
	for serial, i := range l.issued {
		if _, ok := slices.BinarySearch(accepted, serial); ok {
			continue
		}
		if e, ended := l.endOf(i); ended {
			n++
			oldest = max(oldest, e.begin.Sub(i.at))
		}
	}
	return n, oldest
}

// serialOf returns the serial number in an answer; 0 where there is none.
func serialOf(content json.RawMessage) int64 {
	var answer struct{ Serial int64 }
	_ = json.Unmarshal(content, &answer) // free text has none
	return answer.Serial
}

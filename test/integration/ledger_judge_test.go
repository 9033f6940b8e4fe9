package integration

import (
	"fmt"
	"testing"
	"time"
)

// A ledger that finds nothing wrong proves nothing unless it finds what is.
func TestTheLedgerFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	line := func(id string, sequence, serial int) string {
		return fmt.Sprintf(`{"specversion":"1.0","id":%q,"subject":"cam/ask","sequence":"%020d","data":{"stream_id":"s","result":{"serial":%d},"replayed":false}}`, id, sequence, serial)
	}
	good := []string{line("a", 1, 10), line("b", 2, 11), line("c", 3, 12)}
	for name, c := range map[string]struct {
		lines                                              []string
		missing, spurious, corrupted, gaps, late, repeated int
	}{
		"nothing":            {lines: good},
		"a repetition":       {lines: []string{good[0], good[1], good[0], good[1], good[2]}, repeated: 2},
		"a list":             {lines: []string{"[" + good[0] + "," + good[1] + "]", good[2]}},
		"a loss":             {lines: []string{good[0], good[2]}, missing: 1, gaps: 1},
		"a loss at the end":  {lines: good[:2], missing: 1},
		"the wrong order":    {lines: []string{good[1], good[0], good[2]}, late: 1},
		"an invention":       {lines: append(good, line("d", 4, 99)), spurious: 1},
		"two of one answer":  {lines: append(good, line("d", 4, 12)), spurious: 1, late: 1},
		"another content":    {lines: []string{good[0], good[1], `{"specversion":"1.0","id":"c","subject":"cam/ask","sequence":"3","data":{"stream_id":"s","result":{"serial":12,"x":1}}}`}, corrupted: 1},
		"a line cut off":     {lines: append(good, good[0][:40]), corrupted: 1},
		"an id used twice":   {lines: []string{good[0], line("a", 2, 11), good[2]}, corrupted: 1, repeated: 1},
		"two lines as one":   {lines: []string{good[0] + good[1], good[2]}, corrupted: 1, missing: 2, gaps: 2},
		"a replay, long ago": {lines: append(good, `{"specversion":"1.0","id":"a","subject":"cam/ask","sequence":"00000000000000000001","data":{"stream_id":"s","result":{"serial":10},"replayed":true}}`)},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, nil)
			for serial := int64(10); serial < 13; serial++ {
				l.issued[serial] = issue{serial, time.Now(), time.Now(), "s", fmt.Sprintf(`{"serial":%d}`, serial)}
			}
			a := l.sink("it")
			for _, line := range c.lines {
				a.take([]byte(line))
			}
			spurious, corrupted := l.judgeContent(a, map[string]string{}, map[int64]string{})
			for what, n := range map[string][2]int{
				"missing": {len(l.missing(a, l.accepted())), c.missing}, "spurious": {spurious, c.spurious}, "corrupted": {corrupted, c.corrupted},
				"gaps": {l.gaps(), c.gaps}, "out of order": {len(a.disorder()), c.late}, "repeated": {a.duplicates(), c.repeated},
			} {
				if n[0] != n[1] {
					t.Errorf("%d are %s, want %d", n[0], what, n[1])
				}
			}
		})
	}
}

// What was answered just before a kill may be lost, and nothing else.
func TestTheLedgerKnowsWhatAKillMayTake(t *testing.T) {
	t.Parallel()
	l := newLedger(t, nil)
	a := l.sink("it")
	killed := time.Now()
	l.ends = []end{{killed, killed.Add(time.Second)}, {killed.Add(time.Minute), killed.Add(time.Minute)}}
	for serial, at := range map[int64]time.Duration{1: -acceptedAfter - time.Second, 2: -time.Millisecond, 3: time.Millisecond, 4: 2 * time.Second, 5: time.Hour} {
		l.issued[serial] = issue{serial: serial, asked: killed.Add(at), at: killed.Add(at)}
	}
	if got := fmt.Sprint(l.accepted()); got != "[1 4 5]" {
		t.Errorf("accepted are %s", got)
	}
	l.spooled.take([]byte(`{"id":"x","sequence":"1","data":{"result":{"serial":2}}}`))
	if got := fmt.Sprint(l.missing(a, l.accepted())); got != "[1 2 4 5]" {
		t.Errorf("missing are %s", got)
	}
}

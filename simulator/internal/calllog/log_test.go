package calllog

import "testing"

func TestSince(t *testing.T) {
	var l Log
	for range 5 {
		l.Add(Entry{Op: OpGet})
	}
	for since, want := range map[int64]int{0: 5, 3: 2, 5: 0, 99: 0} {
		if got := l.Since(since); len(got) != want || (want > 0 && got[0].N != since+1) {
			t.Errorf("since %d: %d entries, want %d", since, len(got), want)
		}
	}
}

func TestOldEntriesAreForgottenAndCounted(t *testing.T) {
	var l Log
	const calls = Kept + Kept/10 + 5
	for range calls {
		l.Add(Entry{})
	}
	all := l.Since(0)
	if l.Total() != calls || len(all) < Kept || len(all) >= calls || all[len(all)-1].N != calls || all[0].N != calls-int64(len(all))+1 {
		t.Errorf("%d calls: %d kept, from %d to %d", l.Total(), len(all), all[0].N, all[len(all)-1].N)
	}
	if got := l.Since(calls - 1); len(got) != 1 || got[0].N != calls {
		t.Errorf("the last one: %+v", got)
	}
}

package spool_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
)

// smallest is a spool that is soon full.
func smallest(folder string, policy spool.Policy) spool.Options {
	o := optionsFor(folder)
	o.MaxBytes, o.OnFull = spool.MinBytes, policy
	return o
}

// filesOf is what the files of a spool take on the disk.
func filesOf(folder string) (size int64) {
	files, _ := filepath.Glob(filepath.Join(folder, "*"))
	for _, f := range files {
		if info, err := os.Stat(f); err == nil && filepath.Ext(f) != ".db-shm" {
			size += info.Size()
		}
	}
	return size
}

func TestTheOldestGoFirst(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	h := open(t, smallest(folder, spool.DropOldest))
	q := h.queue(t, "a")
	first := h.fill(t, "door", 1, 3, "a", "b")
	lent, err := q.Next(t.Context(), 3)
	if err != nil || len(lent) != 3 {
		t.Fatal(lent, err)
	}
	var all []string
	for i := range 60 {
		receipts := []*spool.Receipt{}
		for j := range 100 {
			r := anAnswer("door", uint64(4+i*100+j), 700)
			receipt, err := h.Append(t.Context(), r, []string{"a", "b"})
			if err != nil {
				t.Fatal(err)
			}
			receipts, all = append(receipts, receipt), append(all, r.ID)
		}
		if err := receipts[99].Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if size := filesOf(folder); size > spool.MinBytes {
			t.Fatalf("the files have %d bytes", size)
		}
	}
	q.Done(3)
	got := h.drain(t, "a")
	dropped := int(h.metric("dropped_total", "a", "size"))
	if dropped < 100 || len(got)+dropped != len(all) || !slices.Equal(got, all[dropped:]) {
		t.Errorf("%d of %d arrived, %d were dropped; the first is %s", len(got), len(all), dropped, got[0])
	}
	// What was being delivered to one sink stays for the others.
	if got := h.drain(t, "b"); !slices.Equal(got, slices.Concat(first, all[dropped:])) {
		t.Errorf("b got %d, from %v", len(got), got[:4])
	}
	if h.metric("dropped_total", "b", "size") != float64(dropped) {
		t.Errorf("b dropped %v", h.metric("dropped_total", "b", "size"))
	}
}

func TestTheNewestGoFirstWhereThatIsThePolicy(t *testing.T) {
	t.Parallel()
	h := open(t, smallest(t.TempDir(), spool.DropNewest))
	var want []string
	refused := 0
	for i := range 2000 {
		r := anAnswer("door", uint64(i+1), 5000)
		receipt, err := h.Append(t.Context(), r, []string{"a"})
		if err == nil {
			err = receipt.Wait(t.Context())
		}
		switch {
		case err == nil:
			want = append(want, r.ID)
		case errors.Is(err, spool.ErrFull):
			refused++
		default:
			t.Fatal(err)
		}
		if refused > 10 {
			break
		}
	}
	if refused == 0 || h.metric("dropped_total", "a", "size") != float64(refused) || h.part.View().State != "full" {
		t.Errorf("%d were refused, the status is %+v", refused, h.part.View())
	}
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %d, want %d", len(got), len(want))
	}
}

func TestAppendWaitsWhereThatIsThePolicy(t *testing.T) {
	t.Parallel()
	h := open(t, smallest(t.TempDir(), spool.Block))
	q := h.queue(t, "a")
	const all = 2500
	go func() {
		for i := range all {
			if _, err := h.Append(t.Context(), anAnswer("door", uint64(i+1), 5000), []string{"a"}); err != nil {
				t.Error(err)
			}
		}
	}()
	until(t, "it is full", func() bool { return h.part.View().State == "full" })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	until(t, "the front is full as well", func() bool {
		_, err := h.Append(ctx, anAnswer("dock", 1, 700), []string{"other"})
		return errors.Is(err, context.DeadlineExceeded)
	})
	for next := uint64(1); next <= all; {
		batch, err := q.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			if r.Sequence != next {
				t.Fatalf("got %d, want %d", r.Sequence, next)
			}
			next++
		}
		q.Done(len(batch))
	}
	if h.metric("dropped_total", "a", "size") != 0 {
		t.Error("something was dropped")
	}
}

func TestWhatIsTooOldIsDropped(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * 365 * 24 * time.Hour) // from 2000 to a time that can be right
		h := open(t, optionsFor(folder))
		h.queue(t, "a")
		h.fill(t, "door", 1, 10, "a")
		time.Sleep(4 * 24 * time.Hour)
		want := h.fill(t, "door", 11, 10, "a")
		if age := h.queue(t, "a").Oldest(); age < 4*24*time.Hour || age > 4*24*time.Hour+time.Minute {
			t.Errorf("the oldest is %v old", age)
		}
		h.close()
		h = open(t, optionsFor(folder))
		h.queue(t, "a")
		time.Sleep(3*24*time.Hour + time.Minute)
		synctest.Wait()
		if got := h.metric("dropped_total", "a", "age"); got != 10 {
			t.Errorf("%v were dropped", got)
		}
		if got := h.drain(t, "a"); !slices.Equal(got, want) {
			t.Errorf("got %v", got)
		}
		h.close()
	})
}

// A small computer without a battery for its clock starts in 1970, and the time is set later.
func TestAWrongClockDropsNothing(t *testing.T) {
	folder := t.TempDir()
	var want []string
	synctest.Test(t, func(t *testing.T) { // it is the year 2000
		h := open(t, optionsFor(folder))
		want = h.fill(t, "door", 1, 10, "a")
		h.close()
	})
	h := open(t, optionsFor(folder))
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestTheSpaceOfABacklogIsGivenBack(t *testing.T) {
	folder := t.TempDir()
	h := open(t, optionsFor(folder))
	h.fill(t, "dock", 1, 20, "b")
	h.fillFast(t, "door", 1, 6000, "a")
	if size := filesOf(folder); size < 5<<20 {
		t.Fatalf("only %d bytes", size)
	}
	h.drain(t, "a")
	until(t, "the files are small", func() bool { return filesOf(folder) < 4<<20 })
	if got := h.drain(t, "b"); len(got) != 20 {
		t.Errorf("b got %v", got)
	}
	h.fill(t, "door", 6001, 20, "a")
	h.close()
	h = open(t, optionsFor(folder))
	if got := h.drain(t, "a"); len(got) != 20 || h.Sequences().Next("dock", "people") != 21 {
		t.Errorf("a got %v", got)
	}
}

func TestNothingIsWrittenWhenNothingHappens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		h := open(t, optionsFor(folder))
		h.fill(t, "door", 1, 10, "a", "b")
		h.drain(t, "a")
		time.Sleep(time.Minute)
		synctest.Wait()
		before := written()
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if n := written() - before; n != 0 {
			t.Errorf("%d bytes were written in a quiet day", n)
		}
		h.close()
		h = open(t, optionsFor(folder))
		h.close()
	})
}

func TestADeadLetterIsKeptAndTheNextGoesOn(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	q := h.queue(t, "a")
	want := h.fill(t, "door", 1, 5, "a", "b")
	if _, err := q.Next(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	q.Done(1)
	q.Dead("the server said 422", 5)
	if q.DeadLetters() != 1 || h.metric("dropped_total", "a", "deadletter") != 1 || h.metric("dead_letters", "a") != 1 {
		t.Errorf("%d dead letters", q.DeadLetters())
	}
	h.close()
	h = open(t, o)
	if got := h.drain(t, "a"); !slices.Equal(got, want[2:]) || h.queue(t, "a").DeadLetters() != 1 {
		t.Errorf("got %v", got)
	}
	if got := h.drain(t, "b"); !slices.Equal(got, want) {
		t.Errorf("b got %v", got)
	}
}

func TestWhatWaitsForASinkThatLeftIsThereWhenItIsBack(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.fill(t, "door", 1, 5, "a", "b")
	h.drain(t, "b")
	q := h.queue(t, "a")
	if batch, err := q.Next(t.Context(), 3); len(batch) != 3 || err != nil {
		t.Fatalf("got %v, %v", batch, err)
	}
	h.Leave("a")
	if got := h.Waiting(); !maps.Equal(got, map[string]int{"a": 5}) {
		t.Errorf("%v have something waiting", got)
	}
	h.close()
	h = open(t, o)
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestASinkThatLeftMakesPlace(t *testing.T) {
	h := open(t, optionsFor(t.TempDir()))
	for i := range 64 {
		name := fmt.Sprint("sink-", i)
		h.queue(t, name)
		h.fill(t, "door", i+1, 1, name)
	}
	if _, err := h.Queue("one more"); !errors.Is(err, spool.ErrTooManySinks) {
		t.Errorf("got %v", err)
	}
	h.Leave("sink-5")
	if _, err := h.Queue("one more"); err != nil {
		t.Error(err)
	}
	if got := h.Waiting(); len(got) != 63 || got["sink-5"] != 0 {
		t.Errorf("%v wait", got)
	}
}

func TestAResultThatIsMuchTooLargeIsRefused(t *testing.T) {
	h := open(t, smallest(t.TempDir(), spool.DropOldest))
	h.put(t, anAnswer("door", 1, 1000<<10), "a")
	_, err := h.Append(t.Context(), anAnswer("door", 2, 2<<20), []string{"a"})
	if !errors.Is(err, spool.ErrTooLarge) || h.metric("dropped_total", "a", "size") != 1 {
		t.Errorf("got %v", err)
	}
	if got := h.drain(t, "a"); len(got) != 1 {
		t.Errorf("got %v", got)
	}
}

func TestTheBacklogOfOneCameraDoesNotKeepTheOthersWaiting(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	backlog := h.fillFast(t, "door", 1, 2000, "a")
	fresh := h.fill(t, "dock", 1, 3, "a")
	q := h.queue(t, "a")
	var got []string
	for range 2 {
		batch, err := q.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			got = append(got, r.ID)
		}
		q.Done(len(batch))
	}
	if !slices.Equal(of("dock", got), fresh) || !slices.Equal(of("door", got), backlog[:125]) {
		t.Errorf("got %v", got)
	}
	h.close() // what has overtaken the backlog does not come again
	h = open(t, o)
	if rest := h.drain(t, "a"); !slices.Equal(rest, backlog[125:]) {
		t.Errorf("then got %d, want %d: %v", len(rest), len(backlog)-125, rest)
	}
}

package spool_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"golang.org/x/sys/unix"
)

// fillFast appends many results of a camera, waiting only now and then.
func (h *house) fillFast(t testing.TB, camera string, from, n int, to ...string) (ids []string) {
	t.Helper()
	return h.fillLarge(t, camera, from, n, 700, to...)
}

// fillLarge appends many results of about so many bytes.
func (h *house) fillLarge(t testing.TB, camera string, from, n, size int, to ...string) (ids []string) {
	t.Helper()
	var receipts []*spool.Receipt
	for i := range n {
		r := anAnswer(camera, uint64(from+i), size)
		receipt, err := h.Append(t.Context(), r, to)
		if err != nil {
			t.Fatal(err)
		}
		if ids, receipts = append(ids, r.ID), append(receipts, receipt); len(receipts) < 256 && i < n-1 {
			continue
		}
		for _, receipt := range receipts {
			if err := receipt.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		receipts = nil
	}
	return ids
}

// The last result of a quiet camera lies at the end of a file that was long.
func aFileThatGaveSpaceBack(t *testing.T, o spool.Options) *house {
	t.Helper()
	h := open(t, o)
	h.queue(t, "a")
	n := 4500
	h.fillFast(t, "door", 1, n, "a")
	h.fill(t, "quiet", 1, 1, "a")
	h.drain(t, "a")
	h.fill(t, "door", n+1, 1, "a")
	h.drain(t, "a")
	until(t, "the file is small", func() bool {
		info, err := os.Stat(filepath.Join(o.Folder, spool.FileName))
		return err == nil && info.Size() < 2<<20
	})
	return h
}

func TestSpaceIsGivenBackOnce(t *testing.T) {
	h := aFileThatGaveSpaceBack(t, optionsFor(t.TempDir()))
	before := written()
	h.fill(t, "door", 5000, 200, "a")
	if per := (written() - before) / 200; per > 3*700 {
		t.Errorf("%d bytes were written for each result", per)
	}
}

func TestTheOldestGoFirstAfterSpaceWasGivenBack(t *testing.T) {
	t.Parallel()
	o := smallest(t.TempDir(), spool.DropOldest)
	h := aFileThatGaveSpaceBack(t, o)
	all := h.fillFast(t, "door", 5000, 7000, "a")
	dropped := int(h.metric("dropped_total", "a", "size"))
	if got := h.drain(t, "a"); dropped < 1000 || !slices.Equal(got, all[dropped:]) {
		t.Errorf("%d arrived and %d were dropped of %d", len(got), dropped, len(all))
	}
	if size := filesOf(o.Folder); size > spool.MinBytes {
		t.Errorf("the files have %d bytes", size)
	}
}

func TestADeadLetterIsKeptWhenTheSpoolIsFull(t *testing.T) {
	t.Parallel()
	for _, policy := range []spool.Policy{spool.DropOldest, spool.DropNewest} {
		t.Run(string(policy), func(t *testing.T) {
			h := open(t, smallest(t.TempDir(), policy))
			q := h.queue(t, "a")
			const letters = 50
			h.fill(t, "dock", 1, letters, "a", "b")
			if _, err := q.Next(t.Context(), letters); err != nil {
				t.Fatal(err)
			}
			for n := 1; h.metric("dropped_total", "b", "size") == 0; n++ {
				receipt, err := h.Append(t.Context(), anAnswer("door", uint64(n), 15000), []string{"b"})
				if err == nil {
					_ = receipt.Wait(t.Context()) // it may be the one that is refused
				}
			}
			for range letters {
				q.Dead("the server said 422", 5)
			}
			if n := h.metric("dead_letters", "a"); n != letters {
				t.Errorf("%v dead letters", n)
			}
		})
	}
}

// A disk that has little left from the beginning is no reason to deliver nothing.
func TestALowDiskDoesNotKeepResultsFromTheirSinks(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o.WithSystem(nil, func(path string, to *unix.Statfs_t) error {
		err := unix.Statfs(path, to)
		to.Bavail = 100
		return err
	}))
	want := h.fill(t, "door", 1, 100, "a", "b")
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("%d arrived", len(got))
	}
}

func TestALookAtTheSpoolDoesNotMakeItsLogGrow(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	h.someTrouble(t)
	v := look(t, o.Folder)
	h.fillFast(t, "door", 11, 8000, "a")
	if info, err := os.Stat(filepath.Join(o.Folder, spool.FileName+"-wal")); err != nil || info.Size() > 3<<20 {
		t.Errorf("the log has %d bytes, %v", info.Size(), err)
	}
	if v.Waiting() != 10 {
		t.Errorf("%d wait", v.Waiting())
	}
}

// In old places of the file there may be more names than a spool serves.
func TestNamesOfFormerSinksHarmNobody(t *testing.T) {
	o := optionsFor(t.TempDir())
	for life := range 5 {
		h := open(t, o)
		want := map[string][]string{}
		for i := range 60 {
			name := fmt.Sprint("life-", life, "-sink-", i)
			h.queue(t, name)
			want[name] = h.fill(t, fmt.Sprint("camera-", life, "-", i), 1, 1+i%3, name)
		}
		if life == 4 {
			h.close()
			h = open(t, o)
		}
		for name, ids := range want {
			if got := h.drain(t, name); !slices.Equal(got, ids) {
				t.Errorf("%s got %v, want %v", name, got, ids)
			}
		}
		h.close()
	}
}

// unreadable is a file of which the disk cannot read one block.
type unreadable struct {
	text []byte
	bad  int64
}

func (u unreadable) ReadAt(to []byte, at int64) (int, error) {
	n := copy(to, u.text[at:])
	if at < u.bad+4096 && at+int64(n) > u.bad {
		return int(max(u.bad-at, 0)), unix.EIO
	}
	return n, nil
}

func TestABlockThatCannotBeReadCostsOnlyWhatIsInIt(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	h.fillFast(t, "door", 1, 500, "a")
	h.close()
	text, err := os.ReadFile(filepath.Join(o.Folder, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	all := spool.FoundIn(unreadable{text, 1 << 40}, int64(len(text)))
	if got := spool.FoundIn(unreadable{text, 100 << 12}, int64(len(text))); all < 500 || got < all-5 || got == all {
		t.Errorf("found %d of %d", got, all)
	}
}

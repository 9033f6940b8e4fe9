package spool_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"golang.org/x/sys/unix"
)

func TestALogThatIsRemovedUnderUsLosesNothing(t *testing.T) {
	t.Parallel()
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.fill(t, "door", 1, 10, "a")
	if err := os.Remove(filepath.Join(o.Folder, spool.FileName+"-wal")); err != nil {
		t.Fatal(err)
	}
	n := 10
	until(t, "there is a new log", func() bool {
		n++
		want = append(want, h.fill(t, "door", n, 1, "a")...)
		return h.metric("quarantined_files_total") > 0
	})
	var left string
	h.Frozen(func() { left = copyTo(t, o.Folder) }) // as after a kill
	o.Folder = left
	if got := open(t, o).drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAFolderThatIsRemovedUnderUsLosesNothing(t *testing.T) {
	t.Parallel()
	o := optionsFor(filepath.Join(t.TempDir(), "state"))
	if err := os.Mkdir(o.Folder, 0o750); err != nil {
		t.Fatal(err)
	}
	h := open(t, o)
	want := h.fill(t, "door", 1, 10, "a")
	if err := os.RemoveAll(o.Folder); err != nil {
		t.Fatal(err)
	}
	n := 10
	add := func() { n++; want = append(want, h.fill(t, "door", n, 1, "a")...) }
	until(t, "results are in memory", func() bool { add(); return h.part.View().State == "memory" })
	if err := os.Mkdir(o.Folder, 0o750); err != nil {
		t.Fatal(err)
	}
	until(t, "there is a file again", func() bool { add(); return h.part.View().State == "ok" })
	h.close()
	if got := open(t, o).drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What does not fit into memory is counted, and the file that has it is kept for a person.
func TestALargeBacklogIsInMemoryAsFarAsItFits(t *testing.T) {
	t.Parallel()
	o := optionsFor(filepath.Join(t.TempDir(), "state"))
	if err := os.Mkdir(o.Folder, 0o750); err != nil {
		t.Fatal(err)
	}
	h := open(t, o)
	q := h.queue(t, "a")
	n := scaled(300, 3600) // the former is less than fits, which is 16 MiB
	want := h.fillLarge(t, "door", 1, n, 4500, "a")
	lent, err := q.Next(t.Context(), 5)
	if err != nil || len(lent) != 5 {
		t.Fatal(lent, err)
	}
	away := o.Folder + "-away"
	if err := os.Rename(o.Folder, away); err != nil {
		t.Fatal(err)
	}
	until(t, "results are in memory", func() bool {
		want = append(want, h.fill(t, "door", len(want)+1, 1, "a")...)
		return h.part.View().State == "memory"
	})
	q.Done(5) // which were lent all the time
	got := h.drain(t, "a")
	lost := len(want) - 5 - len(got)
	if full && lost < 100 || !full && lost != 0 || lost > 1000 || !slices.Equal(got, want[5+lost:]) {
		t.Errorf("%d of %d arrived", len(got), len(want))
	}
	if counted := int(h.metric("dropped_total", "a", "size")); counted < lost || counted > lost+5 {
		t.Errorf("%d were lost and %d counted", lost, counted)
	}
	if err := os.Rename(away, o.Folder); err != nil {
		t.Fatal(err)
	}
	until(t, "it is on disk again", func() bool { return h.part.View().State == "ok" })
	if files, _ := filepath.Glob(filepath.Join(o.Folder, spool.FileName+".corrupt-*Z")); (len(files) == 1) != full {
		t.Errorf("kept: %v", files)
	}
}

// A process was killed and somebody removed the log; a process that ended leaves none.
func TestAMissingLogIsTold(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	h.fill(t, "door", 1, 3, "a")
	if err := h.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	h.fill(t, "door", 4, 3, "a")
	var left string
	h.Frozen(func() {
		left = copyTo(t, o.Folder)
		index, err := os.ReadFile(filepath.Join(o.Folder, spool.FileName+"-shm"))
		if err == nil {
			err = os.WriteFile(filepath.Join(left, spool.FileName+"-shm"), index, 0o640)
		}
		if err == nil {
			err = os.Remove(filepath.Join(left, spool.FileName+"-wal"))
		}
		if err != nil {
			t.Fatal(err)
		}
	})
	h.close()
	look(t, o.Folder).Close()
	h = open(t, o)
	if n := h.metric("missing_logs_total"); n != 0 || h.part.View().Detail["log_missing"] != "" {
		t.Errorf("%v logs are missing after an end", n)
	}
	o.Folder = left
	h = open(t, o)
	if n := h.metric("missing_logs_total"); n != 1 || h.part.View().Detail["log_missing"] == "" {
		t.Errorf("%v logs are missing, the status is %+v", n, h.part.View())
	}
	if got := h.drain(t, "a"); len(got) != 3 {
		t.Errorf("got %v", got)
	}
}

// The new file counts from the moment at which it is complete, wherever the process ended after that.
func TestAReplacementThatWasCompleteIsUsed(t *testing.T) {
	for _, old := range []string{"there", "gone"} {
		t.Run("the old file is "+old, func(t *testing.T) {
			o := optionsFor(t.TempDir())
			h := open(t, o)
			want := h.fill(t, "door", 1, 10, "a")
			h.close()
			path := filepath.Join(o.Folder, spool.FileName)
			if err := os.Rename(path, path+".ready"); err != nil {
				t.Fatal(err)
			}
			if old == "there" {
				h = open(t, optionsFor(o.Folder+"/.."))
				h.fill(t, "dock", 1, 3, "a")
				var left string
				h.Frozen(func() { left = copyTo(t, o.Folder+"/..") })
				for _, name := range []string{"", "-wal"} {
					if err := os.Rename(filepath.Join(left, spool.FileName+name), path+name); err != nil {
						t.Fatal(err)
					}
				}
			}
			h = open(t, o)
			if got := h.drain(t, "a"); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if state := h.part.View().State; state != "ok" {
				t.Errorf("the state is %s", state)
			}
		})
	}
}

// A result that is being delivered, and seems younger because a clock was wrong, does not keep others from growing old.
func TestWhatIsTooOldIsDroppedBehindWhatIsBeingDelivered(t *testing.T) {
	o := optionsFor(t.TempDir())
	for i, years := range []int{60, 26} { // it seems to be 2060, and then early 2026
		synctest.Test(t, func(t *testing.T) {
			time.Sleep(time.Duration(years) * 365 * 24 * time.Hour)
			h := open(t, o)
			h.fill(t, "door", i+1, 1, "a")
			h.close()
		})
	}
	o.MaxAge = 24 * time.Hour
	h := open(t, o)
	q := h.queue(t, "a")
	if batch, err := q.Next(t.Context(), 1); err != nil || len(batch) != 1 {
		t.Fatal(batch, err)
	}
	until(t, "the other one was dropped", func() bool {
		h.fill(t, "dock", 1, 1, "b") // so that somebody looks
		return h.metric("dropped_total", "a", "age") == 1
	})
}

func TestAFileOfANewerVersionIsSetAside(t *testing.T) {
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.fill(t, "door", 1, 10, "a")
	h.close()
	db, err := sql.Open("sqlite", filepath.Join(o.Folder, spool.FileName))
	if err == nil {
		_, err = db.Exec("PRAGMA user_version=2")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	h = open(t, o)
	if got := h.drain(t, "a"); !slices.Equal(got, want) || h.part.View().State != "ok" { // the form of its parts is one we know
		t.Errorf("got %v", got)
	}
	if h.metric("quarantined_files_total") != 1 || h.part.View().Detail["damaged"] == "" {
		t.Errorf("the status is %+v", h.part.View())
	}
}

// Somebody has opened the file with a shell of SQLite and changes something.
func TestAFileThatAnotherProcessHoldsIsWaitedFor(t *testing.T) {
	t.Parallel()
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.fill(t, "door", 1, 3, "a")
	db, err := sql.Open("sqlite", filepath.Join(o.Folder, spool.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err == nil {
		_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	}
	if err != nil {
		t.Fatal(err)
	}
	r := anAnswer("door", 4, 700)
	receipt, err := h.Append(t.Context(), r, []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the spool says so", func() bool { return h.part.View().State == "full" })
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := receipt.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := h.drain(t, "a"); !slices.Equal(got, append(want, r.ID)) || h.metric("quarantined_files_total") != 0 {
		t.Errorf("got %v", got)
	}
}

func TestAResultForASinkTooManyIsCounted(t *testing.T) {
	h := open(t, optionsFor(t.TempDir()))
	for i := range 64 {
		h.queue(t, fmt.Sprint("sink-", i))
	}
	h.fill(t, "door", 1, 1, "sink-1", "one more")
	if n := h.metric("dropped_total", "one more"); n != 1 || h.queue(t, "sink-1").Len() != 1 {
		t.Errorf("%v were counted", n)
	}
}

// While a sync hangs, results are accepted and delivered.
func TestASyncThatHangsHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	var hangs atomic.Bool
	o := optionsFor(t.TempDir())
	o.Sync = time.Millisecond
	h := open(t, o.WithSystem(func(fd int) error {
		hangs.Store(true)
		<-release
		return unix.Fdatasync(fd)
	}, nil))
	h.fill(t, "door", 1, 1, "a")
	until(t, "the sync hangs", hangs.Load)
	h.fill(t, "door", 2, 500, "a")
	q := h.queue(t, "a")
	if batch, err := q.Next(t.Context(), 64); err != nil || len(batch) != 64 {
		t.Fatal(len(batch), err)
	}
	q.Done(64)
	close(release)
}

// While every write hangs, which a sync before each makes sure of, results are taken and sinks have their way with what they were lent.
func TestADiskThatHangsHoldsNoAppendAndNoDoneUp(t *testing.T) {
	release := make(chan struct{})
	var hang, hangs atomic.Bool
	o := optionsFor(t.TempDir())
	o.Sync = spool.SyncAlways
	h := open(t, o.WithSystem(func(fd int) error {
		if hang.Load() {
			hangs.Store(true)
			<-release
		}
		return unix.Fdatasync(fd)
	}, nil))
	want := h.fill(t, "door", 1, 10, "a", "b")
	q := h.queue(t, "a")
	if batch, err := q.Next(t.Context(), 10); err != nil || len(batch) != 10 {
		t.Fatal(len(batch), err)
	}
	hang.Store(true)
	var receipts []*spool.Receipt
	for i := range 3000 { // more than wait in front of the disk
		r := anAnswer("door", uint64(11+i), 700)
		receipt, err := h.Append(t.Context(), r, []string{"a"})
		if err != nil {
			t.Fatal(err)
		}
		if want, receipts = append(want, r.ID), append(receipts, receipt); i == 0 {
			until(t, "the disk hangs", hangs.Load)
		}
	}
	q.Done(5)
	if q.Len() != 5 || q.Oldest() <= 0 || h.Len() != 10 || h.metric("records", "a") != 5 {
		t.Errorf("%d wait", q.Len())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := receipts[2999].Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it is accepted: %v", err)
	}
	if _, err := h.queue(t, "b").Next(ctx, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("somebody who waits for the disk got %v", err)
	}
	close(release)
	if err := receipts[2999].Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := h.drain(t, "a")
	dropped := int(h.metric("dropped_total", "a", "size"))
	if dropped == 0 || len(got) != 3005-dropped || got[len(got)-1] != want[len(want)-1] {
		t.Errorf("%d arrived, %d were dropped", len(got), dropped)
	}
}

func TestCloseGivesUpOnADiskThatHangs(t *testing.T) {
	release := make(chan struct{})
	var hang atomic.Bool
	o := optionsFor(t.TempDir())
	o.Sync = spool.SyncAlways
	h := open(t, o.WithSystem(func(fd int) error {
		if hang.Load() {
			<-release
		}
		return unix.Fdatasync(fd)
	}, nil))
	h.fill(t, "door", 1, 10, "a")
	hang.Store(true)
	if _, err := h.Append(t.Context(), anAnswer("door", 11, 700), []string{"a"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	h.closed = true
	if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
	until(t, "the file is closed", func() bool {
		_, err := os.Stat(filepath.Join(o.Folder, spool.FileName+"-wal"))
		return err != nil
	})
}

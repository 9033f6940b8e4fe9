package spool_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/spool"
	"golang.org/x/sys/unix"
)

// until waits for something that another goroutine does.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("in a minute it did not happen that", what)
		}
	}
}

// fill appends some results and returns their ids.
func (h *house) fill(t testing.TB, camera string, from, n int, to ...string) (ids []string) {
	t.Helper()
	for i := range n {
		r := anAnswer(camera, uint64(from+i), 700)
		h.put(t, r, to...)
		ids = append(ids, r.ID)
	}
	return ids
}

func TestAFileThatCannotBeSyncedIsReplaced(t *testing.T) {
	for _, sync := range []time.Duration{spool.SyncAlways, 10 * time.Millisecond} {
		t.Run(sync.String(), func(t *testing.T) {
			var calls atomic.Int32
			o := optionsFor(t.TempDir())
			o.Sync = sync
			h := open(t, o.WithSystem(func(fd int) error {
				if calls.Add(1) == 3 {
					return unix.EIO // once: a second attempt would seem to succeed
				}
				return unix.Fdatasync(fd)
			}, nil))
			q := h.queue(t, "a")
			var want []string
			n := 0
			until(t, "the file was set aside", func() bool {
				n++
				want = append(want, h.fill(t, "door", n, 1, "a")...)
				return h.metric("quarantined_files_total") > 0
			})
			batch, err := q.Next(t.Context(), 2)
			if err != nil || len(batch) != 2 {
				t.Fatal(batch, err)
			}
			q.Done(1)
			want = append(want, h.fill(t, "door", n+1, 20, "a")...)
			h.close()
			files, _ := filepath.Glob(filepath.Join(o.Folder, spool.FileName+".corrupt-*"))
			if len(files) == 0 || h.metric("quarantined_files_total") != 1 {
				t.Errorf("set aside: %v", files)
			}
			h = open(t, o)
			if got := h.drain(t, "a"); !slices.Equal(got, want[1:]) {
				t.Errorf("got %v, want %v", got, want[1:])
			}
		})
	}
}

func TestWithoutAFolderResultsAreInMemoryUntilItIsThere(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "state")
	h := open(t, optionsFor(folder))
	if h.part.View().State != "memory" || !strings.Contains(h.part.View().Error, "no such file") {
		t.Errorf("the status is %+v", h.part.View())
	}
	want := h.fill(t, "door", 1, 30, "a", "b")
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	until(t, "it is on disk again", func() bool { return h.part.View().State == "ok" })
	want = append(want, h.fill(t, "door", 31, 5, "b")...)
	h.close()
	h = open(t, optionsFor(folder))
	if got := h.drain(t, "b"); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
	if got := h.queue(t, "a").Len(); got != 0 {
		t.Errorf("%d wait for a", got)
	}
	if got := h.Sequences().Next("door", "people"); got != 36 {
		t.Errorf("the next number is %d", got)
	}
}

// What is in the file when the folder comes back is older than what is in memory.
func TestABacklogThatComesBackGoesFirst(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	folder, hidden := filepath.Join(base, "state"), filepath.Join(base, "hidden")
	if err := os.Mkdir(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	h := open(t, optionsFor(folder))
	old := h.fill(t, "door", 1, 10, "a")
	h.close()
	if err := os.Rename(folder, hidden); err != nil {
		t.Fatal(err)
	}
	h = open(t, optionsFor(folder))
	fresh := h.fill(t, "dock", 1, 10, "a")
	q := h.queue(t, "a")
	batch, err := q.Next(t.Context(), 3)
	if err != nil || len(batch) != 3 {
		t.Fatal(batch, err)
	}
	if err := os.Rename(hidden, folder); err != nil {
		t.Fatal(err)
	}
	until(t, "it is on disk again", func() bool { return h.part.View().State == "ok" })
	q.Done(3) // what was lent before
	if got, want := h.drain(t, "a"), slices.Concat(old, fresh[3:]); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAFileThatIsRemovedIsMadeAgain(t *testing.T) {
	t.Parallel()
	o := optionsFor(t.TempDir())
	h := open(t, o)
	want := h.fill(t, "door", 1, 10, "a")
	for _, name := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(o.Folder, spool.FileName+name)); err != nil {
			t.Fatal(err)
		}
	}
	n := 10
	until(t, "there is a new file", func() bool {
		n++
		want = append(want, h.fill(t, "door", n, 1, "a")...)
		_, err := os.Stat(filepath.Join(o.Folder, spool.FileName))
		return err == nil
	})
	h.close()
	h = open(t, o)
	if got := h.drain(t, "a"); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestDamageThatIsFoundWhileItRunsLosesOnlyWhatIsDamaged(t *testing.T) {
	t.Parallel()
	o := optionsFor(t.TempDir())
	h := open(t, o)
	q := h.queue(t, "a")
	want := h.fillFast(t, "door", 1, 3000, "a") // more than SQLite keeps in its cache
	if err := h.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.Folder, spool.FileName)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Closing a descriptor of the file would take SQLite's locks away, so it stays open until the end.
	t.Cleanup(func() { file.Close() })
	if _, err := file.WriteAt(make([]byte, 4096), 1<<20); err != nil {
		t.Fatal(err)
	}
	got := h.drain(t, "a")
	lost := len(want) - len(got)
	if lost == 0 || lost > 5 || int(h.metric("dropped_total", "a", "corrupt")) != lost || h.metric("quarantined_files_total") != 1 {
		t.Errorf("%d lost, %v counted, %v set aside", lost, h.metric("dropped_total", "a", "corrupt"), h.metric("quarantined_files_total"))
	}
	if !slices.IsSortedFunc(got, func(a, b string) int { return slices.Index(want, a) - slices.Index(want, b) }) {
		t.Error("the order changed")
	}
	if q.Len() != 0 {
		t.Errorf("%d wait", q.Len())
	}
}

func TestALowDiskIsLeftAlone(t *testing.T) {
	t.Parallel()
	var low atomic.Bool
	o := optionsFor(t.TempDir())
	h := open(t, o.WithSystem(nil, func(path string, to *unix.Statfs_t) error {
		err := unix.Statfs(path, to)
		if to.Bavail = to.Blocks; low.Load() {
			to.Bavail = 100 // blocks
		}
		return err
	}))
	h.fill(t, "door", 1, 300, "a")
	low.Store(true)
	until(t, "results are dropped instead of the file growing", func() bool {
		h.fill(t, "door", 301, 10, "a")
		return h.metric("dropped_total", "a", "size") > 0
	})
	size := h.metric("bytes")
	h.fill(t, "door", 1000, 500, "a")
	if grown := h.metric("bytes") - size; grown > 1<<20 { // the log may
		t.Errorf("the files grew by %v bytes", grown)
	}
	low.Store(false)
	until(t, "there is room again", func() bool {
		before := h.metric("dropped_total", "a", "size")
		h.fill(t, "door", 2000, 10, "a")
		return h.metric("dropped_total", "a", "size") == before
	})
	if state := h.part.View().State; state != "ok" {
		t.Errorf("the state is %s", state)
	}
}

func TestAClosedSpoolTakesAndGivesNothing(t *testing.T) {
	h := open(t, optionsFor(t.TempDir()))
	h.fill(t, "door", 1, 3, "a")
	q := h.queue(t, "a")
	h.close()
	if _, err := h.Append(t.Context(), anAnswer("door", 4, 600), []string{"a"}); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("got %v", err)
	}
	if batch, err := q.Next(t.Context(), 1); !errors.Is(err, spool.ErrClosed) {
		t.Errorf("got %v, %v", batch, err)
	}
	if got := fmt.Sprint(h.Waiting()); got != "map[a:3]" {
		t.Errorf("got %v", got)
	}
}

func TestOfTheFilesSetAsideTheFirstAndTheNewestStay(t *testing.T) {
	o := optionsFor(t.TempDir())
	path := filepath.Join(o.Folder, spool.FileName)
	for _, at := range []string{"20260101T000000.000Z", "20260102T000000.000Z", "20260103T000000.000Z"} {
		if err := os.WriteFile(path+".corrupt-"+at, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, bytes.Repeat([]byte("no database"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, o)
	files, _ := filepath.Glob(path + ".corrupt-*Z")
	if len(files) != 2 || files[0] != path+".corrupt-20260101T000000.000Z" || strings.Contains(files[1], "corrupt-202601") {
		t.Errorf("there are %v", files)
	}
}

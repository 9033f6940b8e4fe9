package snapshot

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// removed tells how many pictures were removed for a reason.
func (o *one) removed(reason string) float64 {
	return testutil.ToFloat64(o.gallery.options.Metrics.removed(o.folder.Sink, reason))
}

// restart is the start of another process with the same folder.
func (o *one) restart() *one {
	again := newOne(o.t, nowhere, o.frame.Data)
	again.folder, again.frame = o.folder, o.frame
	return again
}

// The oldest pictures go first, those of earlier processes included, whatever else happens to the folder.
func TestTheBoundHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := newOne(t, nowhere, nil)
		o.folder.MaxBytes = 10_000
		var want []string
		sizes := map[string]int64{}
		taken := 0
		for n := range rapid.IntRange(1, 25).Draw(rt, "pictures") {
			o.frame.Data = make([]byte, rapid.IntRange(1, 4000).Draw(rt, "size"))
			o.frame.Time = o.frame.Time.Add(time.Millisecond)
			s := o.keep(fmt.Sprint(n))
			if s == nil {
				rt.Fatalf("a picture is missing: %v", o.log.All())
				return
			}
			taken++
			want, sizes[s.Path] = append(want, s.Path), s.Size
			for sum(sizes, want) > o.folder.MaxBytes {
				want = want[1:]
			}
			if got := slices.Sorted(maps.Keys(o.files())); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				rt.Fatalf("there are %v\nwant %v", got, want)
			}
			if n := testutil.ToFloat64(o.gallery.options.Metrics.bytes.WithLabelValues("archive")); int64(n) != sum(sizes, want) {
				rt.Fatalf("the metric says %v bytes, there are %d", n, sum(sizes, want))
			}
			if rapid.IntRange(0, 9).Draw(rt, "restart") == 0 {
				o, taken = o.restart(), len(want)
			}
			if n := o.removed(removedSize); int(n) != taken-len(want) {
				rt.Fatalf("counted %v of %d removed", n, taken-len(want))
			}
		}
	})
}

func sum(sizes map[string]int64, paths []string) (all int64) {
	for _, p := range paths {
		all += sizes[p]
	}
	return all
}

func TestOldPicturesGoWithoutNewOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOne(t, nowhere, []byte{1, 2, 3})
		o.keep("a")
		time.Sleep(30 * time.Minute)
		o.frame.Time = time.Now()
		last := o.keep("b")
		again := o.restart()
		go func() { _ = again.gallery.Run(t.Context(), func() []Folder { return []Folder{again.folder} }) }()
		time.Sleep(29 * time.Minute)
		if all := o.files(); len(all) != 2 {
			t.Errorf("after 59 minutes there are %v", all)
		}
		time.Sleep(3 * time.Minute)
		if all := o.files(); len(all) != 1 || all[last.Path] == 0 || again.removed(removedAge) != 1 {
			t.Errorf("after 62 minutes there are %v, counted %v", all, again.removed(removedAge))
		}
		time.Sleep(30 * time.Minute)
		if all := o.files(); len(all) != 0 {
			t.Errorf("after 92 minutes there are %v", all)
		}
		time.Sleep(2 * time.Hour)
		if _, err := os.Stat(filepath.Dir(last.Path)); !os.IsNotExist(err) {
			t.Errorf("the empty folder of the camera is there: %v", err)
		}
	})
}

func TestOnlyOurFilesAreTouched(t *testing.T) {
	o := newOne(t, nowhere, []byte{1, 2, 3})
	o.folder.MaxBytes = 3
	folder := filepath.Join(o.folder.Path, "snapshots", "d%6for")
	must(t, os.MkdirAll(folder, 0o750))
	put := func(name, text string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(o.folder.Path, name), []byte(text), 0o640))
	}
	others := []string{"results.jsonl", "snapshots/notes.txt", "snapshots/d%6for/holiday.jpg", "snapshots/d%6for/20010101T000000.000Z-x.txt"}
	for _, name := range others {
		put(name, "not ours")
	}
	put("snapshots/d%6for/20010101T000000.000Z-a.jpg", "old")
	put("snapshots/d%6for/20010101T000000.000Z-b.h264", "")           // torn by a power cut
	put("snapshots/d%6for/20010101T000000.000Z-c.jpg.part", "unfini") // the same
	must(t, os.Symlink(filepath.Join(o.folder.Path, "results.jsonl"), filepath.Join(folder, "20010101T000000.000Z-d.jpg")))
	last := o.keep("id")
	if last == nil {
		t.Fatalf("%v", o.log.All())
	}
	want := []string{last.Path, filepath.Join(folder, "20010101T000000.000Z-d.jpg")}
	for _, name := range others {
		want = append(want, filepath.Join(o.folder.Path, name))
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(o.files())); !slices.Equal(got, want) {
		t.Errorf("there are %v\nwant %v", got, want)
	}
}

func TestOthersMayRemovePictures(t *testing.T) {
	o := newOne(t, nowhere, make([]byte, 1000))
	o.folder.MaxBytes = 5000
	next := func() string {
		t.Helper()
		o.frame.Time = o.frame.Time.Add(time.Millisecond)
		s := o.keep("id")
		if s == nil {
			t.Fatalf("a picture is missing: %v", o.log.All())
		}
		return s.Path
	}
	for range 5 {
		must(t, os.Remove(next()))
	}
	for range 5 {
		next()
	}
	if n := len(o.files()); n != 5 || o.removed(removedSize) != 0 {
		t.Errorf("there are %d files, and %v were removed", n, o.removed(removedSize))
	}
	must(t, os.RemoveAll(o.folder.Path))
	next()
	if n := len(o.files()); n != 1 {
		t.Errorf("there are %d files", n)
	}
}

// Where a disk has less free than is left to others, pictures take no more of it than they have.
func TestADiskThatIsNearlyFullIsLeftAlone(t *testing.T) {
	o := newOne(t, nowhere, make([]byte, 1000))
	left := int64(500)
	o.gallery.disk.statfs = func(path string, s *unix.Statfs_t) error { return free(left)(path, s) }
	keep := func() bool {
		o.frame.Time = o.frame.Time.Add(time.Millisecond)
		return o.keep("id") != nil
	}
	for range 3 {
		keep()
	}
	left = 5
	for range 10 {
		if !keep() {
			t.Fatalf("%v", o.log.All())
		}
	}
	if n := len(o.files()); n != 3 || o.removed(removedSize) != 10 {
		t.Errorf("there are %d files, want the three newest; %v were removed", n, o.removed(removedSize))
	}
	o.frame.Data = make([]byte, 3001)
	if keep() || o.failed(diskFull) != 1 || len(o.files()) != 3 {
		t.Errorf("a picture larger than all there are: failed %v, files %v", o.failed(diskFull), o.files())
	}
}

func TestAFolderThatIsNotConfiguredAnyMoreIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOne(t, nowhere, []byte{1})
		var configured atomic.Pointer[[]Folder]
		configured.Store(&[]Folder{o.folder})
		go func() { _ = o.gallery.Run(t.Context(), func() []Folder { return *configured.Load() }) }()
		synctest.Wait()
		series := func() int { return testutil.CollectAndCount(o.gallery.options.Metrics.removals) }
		if series() != 2 {
			t.Errorf("%d series of a sink, want 2", series())
		}
		renamed := o.folder
		renamed.Sink = "other"
		configured.Store(&[]Folder{renamed})
		time.Sleep(tidying)
		synctest.Wait()
		if series() != 2 {
			t.Errorf("%d series after the sink was renamed, want 2", series())
		}
		configured.Store(new([]Folder))
		time.Sleep(tidying)
		synctest.Wait()
		if series() != 0 {
			t.Errorf("%d series without a sink", series())
		}
		if _, err := os.Stat(o.folder.Path); !os.IsNotExist(err) {
			t.Error("a folder was made without a picture")
		}
	})
}

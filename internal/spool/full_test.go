package spool_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// onItsOwnDisk runs a test again in a process of its own that may mount, and there on a disk of 8 MB.
func onItsOwnDisk(t *testing.T, test func(t *testing.T, folder string)) {
	t.Helper()
	if os.Getenv(asOnDisk) != "" {
		folder := t.TempDir()
		if err := unix.Mount("none", folder, "tmpfs", 0, "size=8m"); err != nil {
			t.Fatal("mounting a small disk: ", err)
		}
		test(t, folder)
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), asOnDisk+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	text, err := child.CombinedOutput()
	if errors.Is(err, unix.EPERM) {
		t.Fatal("this test wants to mount a small disk, and neither user namespaces nor that are permitted here: ", err)
	}
	t.Logf("%s", text)
	if err != nil {
		t.Error(err)
	}
}

func TestAFullDisk(t *testing.T) {
	t.Parallel()
	onItsOwnDisk(t, onASmallDisk)
}

func onASmallDisk(t *testing.T, folder string) {
	o := optionsFor(folder)
	h := open(t, o)
	want := h.fill(t, "door", 1, 1000, "a")
	hog := filepath.Join(folder, "hog")
	takeAll(t, hog)

	want = append(want, h.fill(t, "door", 1001, 2000, "a")...) // no error, and somebody has to make room
	takeAll(t, hog+"2")
	q := h.queue(t, "a")
	var got []string
	for range 5 {
		batch, err := q.Next(t.Context(), 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range batch {
			got = append(got, r.ID)
		}
		q.Done(len(batch))
	}
	want = append(want, h.fill(t, "door", 3001, 300, "a")...)
	t.Logf("on the full disk: state %s, %v dropped", h.part.View().State, h.metric("dropped_total", "a", "size"))
	dropped := h.metric("dropped_total", "a")
	if err := h.close(); err != nil {
		t.Error(err)
	}
	takeAll(t, hog+"3")

	h = open(t, o)
	t.Logf("opened on the full disk: state %s", h.part.View().State)
	want = append(want, h.fill(t, "door", 3301, 20, "a")...)
	for _, name := range []string{"", "2", "3"} {
		if err := os.Remove(hog + name); err != nil {
			t.Fatal(err)
		}
	}
	freed := time.Now()
	n := 3320
	until(t, "the spool is well again", func() bool {
		n++
		want = append(want, h.fill(t, "door", n, 1, "a")...)
		return h.part.View().State == "ok"
	})
	t.Logf("well again after %v", time.Since(freed).Round(time.Millisecond))
	got = append(got, h.drain(t, "a")...)
	dropped += h.metric("dropped_total", "a")
	if len(want)-len(got) != int(dropped) {
		t.Errorf("%d of %d arrived, but %v were dropped", len(got), len(want), dropped)
	}
	if !slices.IsSortedFunc(got, func(a, b string) int { return number(a) - number(b) }) {
		t.Error("the order changed")
	}
	h.close()
}

// A spool that has hardly a file yet serves its sinks from memory.
func TestADiskThatIsFullFromTheBeginning(t *testing.T) {
	t.Parallel()
	onItsOwnDisk(t, func(t *testing.T, folder string) {
		for _, opened := range []string{"after", "before"} {
			o, hog := optionsFor(filepath.Join(folder, opened)), filepath.Join(folder, "hog")
			if err := os.Mkdir(o.Folder, 0o750); err != nil {
				t.Fatal(err)
			}
			var h *house
			if opened == "before" {
				h = open(t, o)
			}
			takeAll(t, hog)
			if opened == "after" {
				h = open(t, o)
			}
			want := h.fill(t, "door", 1, 20, "a", "b")
			takeAll(t, hog+"2") // the ballast was given up
			want = append(want, h.fill(t, "door", 21, 700, "a", "b")...)
			if got := h.drain(t, "a"); !slices.Equal(got, want) {
				t.Errorf("opened %s: %d arrived", opened, len(got))
			}
			t.Logf("opened %s the disk was full: %s", opened, h.part.View().State)
			for _, name := range []string{"", "2"} {
				if err := os.Remove(hog + name); err != nil {
					t.Fatal(err)
				}
			}
			freed := time.Now()
			until(t, "the spool is well again", func() bool {
				want = append(want, h.fill(t, "door", len(want)+1, 1, "b")...)
				return h.part.View().State == "ok"
			})
			t.Logf("well again after %v", time.Since(freed).Round(time.Millisecond))
			h.close()
			h = open(t, o)
			if got := h.drain(t, "b"); !slices.Equal(got, want) {
				t.Errorf("opened %s: b got %d of %d", opened, len(got), len(want))
			}
			h.close()
			if err := os.RemoveAll(o.Folder); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	onItsOwnDisk(t, func(t *testing.T, folder string) {
		o := optionsFor(folder)
		h := open(t, o)
		want := h.fill(t, "door", 1, 10, "a")
		h.close()
		if err := unix.Mount("", folder, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		h = open(t, o)
		if view := h.part.View(); view.State != "memory" {
			t.Errorf("the status is %+v", view)
		}
		if next := h.Sequences().Next("door", "people"); next != 11 {
			t.Errorf("the next number is %d", next)
		}
		want = append(want, h.fill(t, "door", 11, 10, "a")...)
		if err := unix.Mount("", folder, "", unix.MS_REMOUNT, ""); err != nil {
			t.Fatal(err)
		}
		healed := time.Now()
		until(t, "it is on disk", func() bool { return h.part.View().State == "ok" })
		t.Logf("on disk %v after it could be written", time.Since(healed).Round(time.Millisecond))
		want = append(want, h.fill(t, "door", 21, 10, "a")...)

		// The file is open, so the kernel does not make it read-only any more. But its folder can seem so.
		if err := unix.Mount("none", folder, "tmpfs", unix.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		until(t, "results are in memory again", func() bool {
			want = append(want, h.fill(t, "door", len(want)+1, 1, "a")...)
			return h.part.View().State == "memory"
		})
		if err := unix.Unmount(folder, unix.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
		healed = time.Now()
		until(t, "it is on disk again", func() bool { return h.part.View().State == "ok" })
		t.Logf("on disk %v after it could be written", time.Since(healed).Round(time.Millisecond))
		h.close()
		h = open(t, o)
		if got := h.drain(t, "a"); !slices.Equal(got, want) || h.metric("dropped_total") != 0 {
			t.Errorf("got %d of %d", len(got), len(want))
		}
		h.close()
	})
}

// takeAll takes all that is left of a disk.
func takeAll(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for size := 64 << 10; size >= 512; {
		if _, err := file.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
}

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

// The test runs again in a process of its own that may mount a disk of 8 MB.
func TestAFullDisk(t *testing.T) {
	if os.Getenv(asInTmpfs) != "" {
		onASmallDisk(t)
		return
	}
	child := exec.Command(os.Args[0], "-test.run=^TestAFullDisk$", "-test.v")
	child.Env = append(os.Environ(), asInTmpfs+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	text, err := child.CombinedOutput()
	if errors.Is(err, unix.EPERM) {
		t.Log("this machine does not permit user namespaces, so there was no full disk")
		return
	}
	t.Logf("%s", text)
	if err != nil {
		t.Error(err)
	}
}

func onASmallDisk(t *testing.T) {
	folder := t.TempDir()
	if err := unix.Mount("none", folder, "tmpfs", 0, "size=8m"); err != nil {
		t.Fatal(err)
	}
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
	if err := unix.Unmount(folder, 0); err != nil {
		t.Error(err)
	}
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

package snapshot

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/hub"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"
)

const nowhere = "/nowhere/ffmpeg"

// one is a camera with one key frame, and all that its pictures need.
type one struct {
	t       testing.TB
	frame   hub.KeyFrame
	gallery *Gallery
	camera  *Camera
	folder  Folder
	log     *observer.ObservedLogs
}

func (o *one) Nearer(hub.KeyFrame, time.Time) hub.KeyFrame { return o.frame }

// newOne makes a camera whose key frame came just now.
func newOne(t testing.TB, program string, data []byte) *one {
	t.Helper()
	core, seen := observer.New(zap.InfoLevel)
	log := zap.New(core)
	o := &one{
		t: t, frame: hub.KeyFrame{Data: data, Time: time.Now()}, log: seen,
		folder: Folder{Sink: "archive", Path: filepath.Join(t.TempDir(), "results"), MaxBytes: 1 << 20, MaxAge: time.Hour},
	}
	o.gallery = New(Options{
		Program: program, Scrub: func(s string) string { return s }, Metrics: NewVectors(prometheus.NewRegistry()), Log: log,
	})
	o.gallery.darkroom.limit, o.gallery.bound = time.Minute, time.Minute // machines that run tests are busy
	o.camera = o.gallery.Camera("door", "d%6for", o, log)
	return o
}

// keep takes the picture of a result.
func (o *one) keep(id string) *result.Snapshot {
	return o.camera.Hold(time.Now()).Keep(o.t.Context(), id, o.folder)
}

func (o *one) failed(reason string) float64 {
	return testutil.ToFloat64(o.camera.metrics.failed(reason))
}

// messages is what was logged since it was asked last.
func (o *one) messages() (all []string) {
	for _, entry := range o.log.TakeAll() {
		all = append(all, entry.Message)
	}
	return all
}

// files returns all files below the folder of the sink, by path.
func (o *one) files() map[string]int64 {
	o.t.Helper()
	all := map[string]int64{}
	err := filepath.WalkDir(o.folder.Path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			info, gone := d.Info()
			must(o.t, gone)
			all[path] = info.Size()
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		must(o.t, err)
	}
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// film returns one key frame, 320x180, dark at the left and bright at the right.
func film(t *testing.T) []byte {
	t.Helper()
	out, err := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "color=black:s=160x180[a];color=white:s=160x180[b];[a][b]hstack",
		"-frames:v", "1", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-f", "h264", "pipe:1").Output()
	must(t, err)
	return out
}

// script is a stand-in for ffmpeg.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ffmpeg")
	must(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755))
	return path
}

func TestASnapshotIsAJPEGOfTheKeyFrame(t *testing.T) {
	o := newOne(t, "ffmpeg", film(t))
	got := o.keep("0193-id")
	if got == nil {
		t.Fatalf("there is none: %v", o.log.All())
	}
	text, err := os.ReadFile(got.Path)
	must(t, err)
	img, err := jpeg.Decode(bytes.NewReader(text))
	must(t, err)
	dark, _, _, _ := img.At(40, 90).RGBA()
	bright, _, _, _ := img.At(280, 90).RGBA()
	if b := img.Bounds(); b.Dx() != 320 || b.Dy() != 180 || dark>>8 > 30 || bright>>8 < 225 {
		t.Errorf("it shows something else: %v, %d, %d", b, dark>>8, bright>>8)
	}
	name := o.frame.Time.UTC().Format("20060102T150405.000Z") + "-0193-id.jpg"
	want := result.Snapshot{Path: filepath.Join(o.folder.Path, "snapshots", "d%6for", name), Type: "image/jpeg", Time: o.frame.Time, Size: int64(len(text))}
	if *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if info, err := os.Stat(got.Path); err != nil || info.Mode() != 0o640 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if all := o.files(); len(all) != 1 {
		t.Errorf("there is more: %v", all)
	}
	if n := testutil.ToFloat64(o.camera.metrics.taken(result.JPEG)); n != 1 {
		t.Errorf("counted %v", n)
	}
}

func TestWithoutFFmpegASnapshotIsTheKeyFrame(t *testing.T) {
	o := newOne(t, nowhere, film(t))
	got := o.keep("id")
	if got == nil || got.Type != "video/h264" || !strings.HasSuffix(got.Path, "-id.h264") {
		t.Fatalf("got %+v", got)
	}
	text, err := os.ReadFile(got.Path)
	if err != nil || !bytes.Equal(text, o.frame.Data) {
		t.Errorf("the file is another: %v", err)
	}
}

func TestResultsAboutTheSamePictureShareTheWork(t *testing.T) {
	runs := filepath.Join(t.TempDir(), "runs")
	o := newOne(t, script(t, "echo >>"+runs+`; exec ffmpeg "$@"`), film(t))
	a, b := o.keep("a"), o.keep("b")
	if a == nil || b == nil || a.Path == b.Path || a.Size != b.Size {
		t.Errorf("got %+v and %+v", a, b)
	}
	o.frame.Time = o.frame.Time.Add(time.Second)
	o.keep("c")
	if text, err := os.ReadFile(runs); err != nil || len(text) != 2 {
		t.Errorf("ffmpeg ran %d times for two pictures, %v", len(text), err)
	}
}

// Each failure costs the picture and nothing else, is counted each time, and told once.
func TestFailures(t *testing.T) {
	full := func(*os.Root, string, []byte) error { return syscall.ENOSPC }
	for name, test := range map[string]struct {
		program string
		spoil   func(o *one)
		mend    func(o *one)
		reason  string
	}{
		"no key frame": {
			reason: "key_frame", spoil: func(o *one) { o.frame = hub.KeyFrame{} },
			mend: func(o *one) { o.frame = hub.KeyFrame{Data: []byte{1}, Time: time.Now()} },
		},
		"only an old one": {
			reason: "key_frame", spoil: func(o *one) { o.frame.Time = time.Now().Add(-2 * time.Minute) },
			mend: func(o *one) { o.frame.Time = time.Now() },
		},
		"a key frame that is none": {
			reason: "ffmpeg", program: "ffmpeg", spoil: func(*one) {}, mend: func(o *one) { o.frame.Data = film(t) },
		},
		"ffmpeg makes something else": {
			reason: "ffmpeg", program: script(t, "cat >/dev/null; echo hello"),
			spoil: func(*one) {}, mend: func(o *one) { o.gallery.darkroom.program = nowhere },
		},
		"ffmpeg makes no end of it": {
			reason: "ffmpeg", program: script(t, "exec cat /dev/zero"),
			spoil: func(o *one) { o.gallery.darkroom.most = 1 << 16 }, mend: func(o *one) { o.gallery.darkroom.program = nowhere },
		},
		"full disk": {
			reason: "disk_full", spoil: func(o *one) { o.gallery.disk.write = full; clear(o.gallery.albums) },
			mend: func(o *one) { o.gallery.disk.write = write; clear(o.gallery.albums) },
		},
		"nearly full disk": {
			reason: "disk_full", spoil: func(o *one) { o.gallery.disk.statfs = free(5); clear(o.gallery.albums) },
			mend: func(o *one) { o.gallery.disk.statfs = free(500); clear(o.gallery.albums) },
		},
		"a file in the way": {
			reason: "disk", spoil: func(o *one) { must(t, os.WriteFile(o.folder.Path, nil, 0o600)) },
			mend: func(o *one) { must(t, os.Remove(o.folder.Path)) },
		},
		"a way out of the folder": {
			reason: "disk", spoil: func(o *one) {
				must(t, os.MkdirAll(o.folder.Path, 0o700))
				must(t, os.Symlink(t.TempDir(), filepath.Join(o.folder.Path, "snapshots")))
			},
			mend: func(o *one) { must(t, os.Remove(filepath.Join(o.folder.Path, "snapshots"))) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.program == "" {
				test.program = nowhere
			}
			o := newOne(t, test.program, []byte{0, 0, 0, 1, 0x65, 1, 2, 3})
			test.spoil(o)
			for range 2 {
				if got := o.keep("id"); got != nil {
					t.Fatalf("got %+v", got)
				}
			}
			if n := o.failed(test.reason); n != 2 {
				t.Errorf("counted %v for %s: %v", n, test.reason, o.log.All())
			}
			if said := o.messages(); len(said) != 1 || said[0] != "results go without their snapshots" {
				t.Errorf("the log says %q", said)
			}
			if all := o.files(); len(all) > 0 && test.reason != "disk" {
				t.Errorf("there are files: %v", all)
			}
			test.mend(o)
			if o.keep("id") == nil {
				t.Fatalf("it does not recover: %v", o.log.All())
			}
			if said := o.messages(); len(said) != 1 || said[0] != "results have their snapshots again" {
				t.Errorf("the log says %q", said)
			}
		})
	}
}

// free is a disk of 1 GiB of which so many MiB are free.
func free(mib int64) func(string, *unix.Statfs_t) error {
	return func(_ string, s *unix.Statfs_t) error {
		s.Bsize, s.Blocks, s.Bavail = 1<<20, 1<<10, uint64(mib)
		return nil
	}
}

func TestFFmpegThatHangsIsKilledAndLeftAlone(t *testing.T) {
	o := newOne(t, script(t, "sleep 1000"), film(t))
	o.gallery.darkroom.limit = 100 * time.Millisecond
	began := time.Now()
	if got := o.keep("a"); got != nil {
		t.Errorf("got %+v", got)
	}
	t.Logf("the result waited %v", time.Since(began))
	if n := o.failed("ffmpeg"); n != 1 {
		t.Errorf("counted %v", n)
	}
	if got := o.keep("b"); got == nil || got.Type != result.H264 {
		t.Errorf("the next is %+v, want H.264", got)
	}
	o.gallery.darkroom.closed.Store(0)
	o.gallery.darkroom.program, o.gallery.darkroom.limit = "ffmpeg", time.Minute
	if got := o.keep("c"); got == nil || got.Type != result.JPEG {
		t.Errorf("a minute later it is %+v, want a JPEG", got)
	}
}

func TestNobodyWaitsLongForFFmpegThatHasTooMuchToDo(t *testing.T) {
	o := newOne(t, "ffmpeg", film(t))
	for range hands {
		o.gallery.darkroom.hands <- struct{}{}
	}
	if got := o.keep("a"); got == nil || got.Type != result.H264 {
		t.Errorf("got %+v, want H.264", got)
	}
}

func TestADiskThatHangsHoldsUpOneResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOne(t, nowhere, []byte{1, 2, 3})
		o.gallery.bound = bound
		hangs := make(chan struct{})
		o.gallery.disk.write = func(root *os.Root, name string, data []byte) error {
			<-hangs
			return write(root, name, data)
		}
		for i, want := range []time.Duration{bound, 0, 0} {
			began := time.Now()
			if got := o.keep("id"); got != nil || time.Since(began) != want {
				t.Errorf("result %d waited %v for %+v", i, time.Since(began), got)
			}
		}
		if n := o.failed("disk_slow"); n != 3 {
			t.Errorf("counted %v", n)
		}
		close(hangs)
		synctest.Wait()
		if all := o.files(); len(all) > 0 {
			t.Errorf("what nobody waited for is there: %v", all)
		}
		if o.keep("id") == nil {
			t.Error("it does not recover")
		}
	})
}

func TestWhoStopsDoesNotWait(t *testing.T) {
	o := newOne(t, script(t, "sleep 1000"), film(t))
	ctx, stop := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, stop)
	if got := o.camera.Hold(time.Now()).Keep(ctx, "id", o.folder); got != nil || o.failed("stopped") != 1 || len(o.messages()) > 0 {
		t.Errorf("got %+v, counted %v", got, o.failed("stopped"))
	}
	if o.gallery.darkroom.closed.Load() != 0 {
		t.Error("ffmpeg counts as hung")
	}
}

func TestManyAtOnce(t *testing.T) {
	o := newOne(t, nowhere, make([]byte, 10_000))
	o.folder.MaxBytes = 100_000
	var all sync.WaitGroup
	for i := range 8 {
		c := o.gallery.Camera(string(rune('a'+i)), string(rune('a'+i)), o, zap.NewNop())
		all.Go(func() {
			for n := range 20 {
				if c.Hold(time.Now()).Keep(t.Context(), string(rune('a'+n)), o.folder) == nil {
					t.Error("a picture is missing")
				}
			}
		})
	}
	all.Wait()
	if n := len(o.files()); n != 10 {
		t.Errorf("there are %d files, want 10", n)
	}
}

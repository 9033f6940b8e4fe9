package file

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// A screen is a receiver that notes when pictures came.
type screen struct {
	formats  []camera.Format
	start    time.Time
	pictures []seen
	lost     int // since the last of them
	taken    func(n int)
}

type seen struct {
	at        time.Duration
	timestamp uint32
	lost      int
}

func (s *screen) Begin(f camera.Format) {
	s.formats = append(s.formats, f)
	s.start = time.Now()
}

func (s *screen) Packet(p camera.Packet) {
	s.lost += p.Lost
	if p.Marker {
		s.pictures = append(s.pictures, seen{time.Since(s.start), p.Timestamp, s.lost})
		s.lost = 0
		s.taken(len(s.pictures))
	}
}

// play plays some pictures of a clip, in no time.
func play(t *testing.T, c Config, pictures int, then func(*screen)) error {
	t.Helper()
	var err error
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &screen{}
		s.taken = func(n int) {
			if n == pictures {
				cancel()
			}
		}
		err = New(c).Run(ctx, s)
		then(s)
	})
	return err
}

// Three rounds and a bit of a clip: each picture comes when it is due, the clock goes on, and nothing adds up.
func TestAClipGoesOnForEver(t *testing.T) {
	for name, c := range map[string]struct {
		path string
		b    bool
	}{
		"MP4": {ffmpeg(t, x264+"-f mp4"), false}, "MP4 with B-frames": {ffmpeg(t, bpics+"-f mp4"), true},
		"fragments": {ffmpeg(t, x264+"-movflags frag_keyframe+empty_moov -f mp4"), false},
		"MPEG-TS":   {ffmpeg(t, x264+"-f mpegts"), false}, "byte stream": {ffmpeg(t, x264+"-f h264"), false},
		"MJPEG": {ffmpeg(t, "-c:v mjpeg -f mjpeg"), false}, "H.265": {ffmpeg(t, x265+"-f mp4"), false},
	} {
		t.Run(name, func(t *testing.T) {
			err := play(t, Config{Path: c.path, FPS: 10}, 130, func(s *screen) {
				if len(s.formats) != 1 || len(s.pictures) != 130 {
					t.Fatalf("%d pictures of %v", len(s.pictures), s.formats)
				}
				for i, p := range s.pictures {
					due := time.Duration(i) * time.Second / 10
					if off := p.at - due; off < 0 || off > 5*time.Millisecond || p.lost != 0 {
						t.Fatalf("picture %d comes at %v, want %v; %d lost", i, p.at, due, p.lost)
					}
					off := int32(p.timestamp-s.pictures[0].timestamp) - int32(i*9000)
					if !c.b && (off < -100 || off > 100) || off < -50_000 || off > 50_000 {
						t.Fatalf("picture %d: its time is off by %d ticks", i, off)
					}
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whoever was held up, a sleeping machine most of all, does not hurry afterwards.
func TestADelayIsNotCaughtUp(t *testing.T) {
	path := ffmpeg(t, x264+"-f mp4")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s := &screen{}
		s.taken = func(n int) {
			switch n {
			case 10:
				time.Sleep(time.Minute)
			case 20:
				time.Sleep(500 * time.Millisecond)
			case 50:
				cancel()
			}
		}
		_ = New(Config{Path: path}).Run(ctx, s)
		if step := s.pictures[12].at - s.pictures[11].at; step < 99*time.Millisecond {
			t.Errorf("after a minute pictures come every %v", step)
		}
		if at, due := s.pictures[30].at-s.pictures[15].at, 1500*time.Millisecond; at < due-5*time.Millisecond || at > due+5*time.Millisecond {
			t.Errorf("half a second was not caught up: 15 pictures took %v", at)
		}
	})
}

// A clip that begins within a group of pictures has some that nothing can be made of, in each round.
func TestAClipThatDoesNotBeginWithAKeyFrame(t *testing.T) {
	path := ffmpeg(t, x264+"-f h264")
	frames, _ := all(t, path, 0)
	var cut []byte
	for _, f := range frames[3:23] {
		cut = append(cut, f.data...)
	}
	if err := os.WriteFile(path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	_ = play(t, Config{Path: path}, 50, func(s *screen) {
		for i, p := range s.pictures {
			if want := map[bool]int{true: 1}[i%20 == 0]; p.lost != want {
				t.Errorf("picture %d: %d lost", i, p.lost)
			}
		}
	})
}

func TestFaultsInPlainWords(t *testing.T) {
	folder := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pipe := filepath.Join(folder, "pipe")
	if err := exec.Command("mkfifo", pipe).Run(); err != nil {
		t.Fatal(err)
	}
	mkv := ffmpeg(t, x264+"-f matroska")
	for path, want := range map[string]string{
		"/nowhere/x.mp4":           "not_found opening %s: no such file or directory; check path: it counts from the folder of the configuration file",
		folder:                     "not_found opening %s: it is a folder; name one clip in it",
		pipe:                       "not_found opening %s: it is no file; name a clip; pipes and devices are read by the source exec, as command: [cat, /path]",
		file("empty.mp4", ""):      "codec opening %s: it is empty; name a clip with video",
		file("a.mp4", "not video"): `codec opening %s: it holds text ("not video"); name a clip with video`,
		mkv:                        `codec opening %s: it holds Matroska or WebM; convert it: ffmpeg -i "%s" -an -c:v libx264 -bf 0 -g 50 -pix_fmt yuv420p "clip-h264.mp4"`,
		file("cut.mp4", "\x00\x00\x00\x10ftypisom\x00\x00\x00\x00"): "codec playing %s: the MP4 has no index (moov); its recording was not finished, or it was not copied to its end: name another clip",
		ffmpeg(t, "-f lavfi -i sine=duration=1 -vn -f mp4"):         "codec playing %s: the MP4 holds no video; name a clip with video",
		half(t, ffmpeg(t, x264+"-movflags faststart -f mp4")):       "protocol playing %s: the file ends too early; copy it again",
	} {
		_ = play(t, Config{Path: path}, 1000, func(*screen) {})
		var err error
		synctest.Test(t, func(t *testing.T) { err = New(Config{Path: path}).Run(t.Context(), &screen{taken: func(int) {}}) })
		if got := fmt.Sprint(camera.ReasonOf(err), " ", err); got != strings.ReplaceAll(want, "%s", path) {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
	mpeg4 := ffmpeg(t, "-c:v mpeg4 -f mp4")
	if err := New(Config{Path: mpeg4}).Run(t.Context(), nil); !strings.Contains(err.Error(), `the MP4 holds no H.264 or H.265 (its video: ["mp4v"]); convert it: ffmpeg -i `) {
		t.Errorf("got %v", err)
	}
	mpeg2 := ffmpeg(t, "-c:v mpeg2video -f mpegts")
	if err := New(Config{Path: mpeg2}).Run(t.Context(), nil); !strings.Contains(err.Error(), `the MPEG-TS holds no H.264 or H.265, but MPEG-2 video; convert it: ffmpeg -i `) {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsReplacedIsPlayedAnew(t *testing.T) {
	path, other := ffmpeg(t, x264+"-f mp4"), ffmpeg(t, x264+"-f mpegts")
	s := &screen{}
	s.taken = func(n int) {
		if n == 5 {
			if err := os.Rename(other, path); err != nil {
				t.Error(err)
			}
		}
	}
	var err error
	synctest.Test(t, func(t *testing.T) { err = New(Config{Path: path}).Run(t.Context(), s) })
	if camera.ReasonOf(err) != camera.Closed || len(s.pictures) != 40 {
		t.Errorf("got %v after %d pictures", err, len(s.pictures))
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"path: clips/yard.mp4":      "/etc/agent/clips/yard.mp4 0",
		"path: /a.h264\nfps: 29.97": "/a.h264 29.97",
		"fps: 30":                   "/etc/agent/c.yaml:1:1: path: names no file; write the path of a clip, as path: clips/yard.mp4",
		"path: a\nfps: -1":          "/etc/agent/c.yaml:3:6: fps: found -1; write how many pictures a second to play, from 0.1 to 240, such as 25",
		"path: a\nfps: 0.01":        "/etc/agent/c.yaml:3:6: fps: found 0.01; write how many pictures a second to play, from 0.1 to 240, such as 25",
		"path: a\nspeed: 2":         "/etc/agent/c.yaml:3:1: speed: unknown key; known here: fps, path",
	} {
		s, err := config.ParseSection("/etc/agent/c.yaml", "type: file\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Decode(s)
		got := fmt.Sprint(New(c), " ", c.FPS)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestNothingIsLeftAfterManyRounds(t *testing.T) {
	paths := []string{ffmpeg(t, x264+"-f mp4"), ffmpeg(t, x264+"-f mpegts"), ffmpeg(t, "-c:v mjpeg -f mjpeg"), "/nowhere"}
	round := func(i int) { _ = play(t, Config{Path: paths[i%len(paths)]}, 5, func(*screen) {}) }
	files := func() int { entries, _ := os.ReadDir("/proc/self/fd"); return len(entries) }
	round(0)
	open, routines := files(), runtime.NumGoroutine()
	for i := range 200 {
		round(i)
	}
	for since := time.Now(); time.Since(since) < 5*time.Second && (files() > open || runtime.NumGoroutine() > routines); {
		time.Sleep(time.Millisecond) // what was told to end may still be at it
	}
	if files() > open || runtime.NumGoroutine() > routines {
		t.Errorf("%d files, %d before; %d goroutines, %d before", files(), open, runtime.NumGoroutine(), routines)
	}
}

package exec_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const (
	lavfi     = `ffmpeg, -v, error, -re, -f, lavfi, -i, "testsrc2=size=320x240:rate=25", `
	x264      = `-c:v, libx264, -preset, ultrafast, -tune, zerolatency, -pix_fmt, yuv420p, -g, "25", `
	gstreamer = `gst-launch-1.0, -q, videotestsrc, is-live=true, "!", "video/x-raw,width=320,height=240,framerate=25/1", "!", `
)

// The programs that people use, as they come.
func TestPrograms(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		codec camera.Codec
	}{
		"ffmpeg, byte stream": {"command: [" + lavfi + x264 + "-f, h264, -]", camera.H264},
		"ffmpeg, MPEG-TS":     {"command: [" + lavfi + x264 + "-f, mpegts, -]", camera.H264},
		"ffmpeg, H.265": {
			"command: [" + lavfi + "-c:v, libx265, -preset, ultrafast, -x265-params, 'log-level=none:keyint=25:bframes=0', -f, mpegts, -]", camera.H265,
		},
		"ffmpeg, H.265 byte stream": {
			"command: [" + lavfi + "-c:v, libx265, -preset, ultrafast, -x265-params, 'log-level=none:keyint=25:bframes=0', -f, hevc, -]", camera.H265,
		},
		"gstreamer, byte stream": {
			"command: [" + gstreamer + `x264enc, tune=zerolatency, key-int-max=25, "!", "video/x-h264,stream-format=byte-stream", "!", fdsink]`, camera.H264,
		},
		"gstreamer, MPEG-TS": {
			"command: [" + gstreamer + `x264enc, tune=zerolatency, key-int-max=25, "!", mpegtsmux, "!", fdsink]`, camera.H264,
		},
		"told what it is": {"format: h264\nfps: 25\ncommand: [" + lavfi + x264 + "-f, h264, -]", camera.H264},
	} {
		t.Run(name, func(t *testing.T) {
			const enough = 40
			r := start(t, c.text)
			eventually(t, "pictures", func() bool { return r.count() >= enough })
			if err := r.stop(); !strings.Contains(err.Error(), "context canceled") {
				t.Errorf("ended with %v", err)
			}
			if len(r.formats) != 1 || r.formats[0].Codec != c.codec {
				t.Errorf("began as %v", r.formats)
			}
			checkPictures(t, r.screen, enough, fmt.Sprint(r.Report()))
			t.Log(r.Report())
		})
	}
}

// checkPictures looks at their times, which are those of the program where it has any, and decodes them.
func checkPictures(t *testing.T, s *screen, enough int, writes string) {
	t.Helper()
	var stream []byte
	pictures := s.pictures[:enough]
	for i, p := range pictures {
		stream = append(stream, p.stream...)
		if p.lost != 0 {
			t.Errorf("before picture %d %d packets got lost", i, p.lost)
		}
		if i > 0 && int32(p.timestamp-pictures[i-1].timestamp) <= 0 {
			t.Errorf("the time of picture %d is not after the one before", i)
		}
	}
	if !strings.Contains(writes, "MPEG-TS") {
		checkArrivals(t, pictures)
	} else if mean := float64(pictures[enough-1].timestamp-pictures[0].timestamp) / float64(enough-1); mean < 3590 || mean > 3610 {
		t.Errorf("from one picture to the next it takes %.0f ticks, want 3600", mean)
	}
	format := map[camera.Codec]string{camera.H264: "h264", camera.H265: "hevc"}[s.formats[0].Codec]
	decoder := osexec.Command("ffmpeg", "-v", "error", "-xerror", "-f", format, "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-")
	decoder.Stdin = bytes.NewReader(stream)
	var said bytes.Buffer
	decoder.Stderr = &said
	out, err := decoder.Output()
	if n := len(out) / (320 * 240); err != nil || n < enough-3 {
		t.Errorf("of %d pictures %d could be decoded: %v %s", enough, n, err, said.Bytes())
	}
}

// checkArrivals wants the times of pictures near those at which they came, however slow the machine is.
func checkArrivals(t *testing.T, pictures []seen) {
	t.Helper()
	const most = 500 * time.Millisecond
	for i, p := range pictures {
		shown := time.Duration(p.timestamp-pictures[0].timestamp) * time.Second / 90_000
		if off := shown - p.at.Sub(pictures[0].at); off > most || off < -most {
			t.Errorf("picture %d: its time is %v off", i, off)
		}
	}
}

// clip writes a byte stream of some pictures to a file and returns its name.
func clip(t testing.TB, format string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "clip")
	args := "-v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=2 -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25 -f " + format + " " + name
	if text, err := osexec.Command("ffmpeg", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return name
}

// writePictures writes the pictures of a clip to standard output, each in one go, and no other before a line came from the pipe arrived.
func writePictures(file, arrived string) {
	must := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	text, err := os.ReadFile(file)
	must(err)
	back, err := os.Open(arrived)
	must(err)
	n, one := 0, make([]byte, 1)
	write := func(p bytestream.Picture) {
		_, err := os.Stdout.Write(p.Data)
		must(err)
		if n++; n <= learning {
			time.Sleep(40 * time.Millisecond) // the rhythm of a camera
			return
		}
		_, err = io.ReadFull(back, one)
		must(err)
	}
	s := bytestream.NewSplitter(camera.H264, write)
	s.Write(text, bytestream.Stamp{})
	s.Flush()
	_, _ = io.ReadFull(back, one) // the end of the test
	os.Exit(0)
}

// learning is how many pictures it may take to find out that a program writes each in one go.
const learning = 20

// Who waits for the next picture to know that one is whole would wait for ever here.
func TestAPictureGoesOnBeforeTheNextIsThere(t *testing.T) {
	folder := t.TempDir()
	if err := osexec.Command("mkfifo", folder+"/arrived").Run(); err != nil {
		t.Fatal(err)
	}
	back, err := os.OpenFile(folder+"/arrived", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	source, _ := open(t, fmt.Sprintf("command: [%q]\nenv: {%s: %q, ARRIVED: %q}", os.Args[0], asCamera, clip(t, "h264"), folder+"/arrived"))
	s := &screen{}
	s.taken = func(n int) {
		if n > learning {
			_, _ = back.Write([]byte{'\n'})
		}
	}
	r := startOn(t, source, s)
	eventually(t, "all pictures", func() bool { return r.count() == 50 })
}

// As rpicam-vid without --flush does it.
func TestAProgramThatHoldsBackTheEndOfEachPicture(t *testing.T) {
	r := start(t, script("ffmpeg -v error -re -f lavfi -i testsrc2=size=320x240:rate=25 -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 25 "+
		"-f h264 - | dd bs=4096 iflag=fullblock status=none"))
	eventually(t, "pictures", func() bool { return r.count() >= 60 })
	_ = r.stop()
	checkPictures(t, r.screen, 60, "a byte stream")
	if facts := fmt.Sprint(r.Report().Facts); !strings.Contains(facts, "--flush") {
		t.Errorf("nothing is said of it: %s", facts)
	}
}

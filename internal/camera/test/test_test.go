package test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// read finds the characters of a line in the luma of a picture.
func (s *scene) read(l line, luma []byte) (text string) {
	for i := range l.text {
		var dots [glyphHeight]byte
		for row := range glyphHeight {
			for column := range glyphWidth {
				x, y := l.x+(i*glyphPitch+column)*s.unit+s.unit/2, l.y+row*s.unit+s.unit/2
				dots[row] <<= 1
				if luma[y*s.width+x] > (black+white)/2 {
					dots[row] |= 1
				}
			}
		}
		found := "?"
		for c, glyph := range glyphs {
			if glyph == dots {
				found = string(c)
			}
		}
		text += found
	}
	return text
}

// A screen is a receiver that keeps some pictures.
type screen struct {
	format camera.Format
	start  time.Time
	seen   []seen
	taken  func(n int)
}

type seen struct {
	at        time.Duration
	wall      time.Time
	timestamp uint32
	picture   []byte
}

func (s *screen) Begin(f camera.Format) { s.format, s.start = f, time.Now() }

func (s *screen) Packet(p camera.Packet) {
	s.seen = append(s.seen, seen{time.Since(s.start), time.Now(), p.Timestamp, bytes.Clone(p.Payload)})
	s.taken(len(s.seen))
}

// run runs the pattern until a number of pictures were seen, in no time.
func run(t *testing.T, c Config, pictures int, meanwhile func(n int)) (s *screen) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s = &screen{taken: func(n int) {
			meanwhile(n)
			if n == pictures {
				cancel()
			}
		}}
		if err := New(c).Run(ctx, s); err == nil {
			t.Error("no error")
		}
	})
	return s
}

func TestEveryPictureShowsItsTimeAndNumber(t *testing.T) {
	for _, c := range []Config{{640, 360, 15}, {160, 90, 29.97}, {1920, 1080, 5}, {160, 1080, 1}, {1920, 90, 60}, {642, 362, 7}} {
		s := run(t, c, 130, func(int) {})
		scene := newScene(c.Width, c.Height)
		for i, p := range s.seen {
			if got, want := scene.read(scene.clock, p.picture), p.wall.Format("15:04:05.000"); got != want {
				t.Fatalf("%v: picture %d shows %s, want %s", c, i, got, want)
			}
			if got, want := scene.read(scene.count, p.picture), fmt.Sprintf("%08d", i); got != want {
				t.Fatalf("%v: picture %d shows the number %s", c, i, got)
			}
			due := time.Duration(float64(i) * float64(time.Second) / c.FPS)
			if off := p.at - due; off < 0 || off > time.Millisecond || p.timestamp != uint32(float64(i)*90_000/c.FPS) {
				t.Fatalf("%v: picture %d comes at %v, want %v", c, i, p.at, due)
			}
			if len(p.picture) != c.Width*c.Height*3/2 || !reflect.DeepEqual(s.format, fmtOf(c)) {
				t.Fatalf("%v: %d bytes, %v", c, len(p.picture), s.format)
			}
		}
	}
}

// What is drawn anew must be all that changes: a picture looks as if it were the first.
func TestNothingIsLeftOfOlderPictures(t *testing.T) {
	s := newScene(640, 360)
	now := time.Now()
	for n := range int64(500) {
		now = now.Add(1234567 * time.Microsecond)
		if got := s.draw(n*7, now); n%50 == 0 && !bytes.Equal(got, newScene(640, 360).draw(n*7, now)) {
			t.Fatalf("picture %d differs", n)
		}
	}
}

func TestPicturesAreLeftOutRatherThanLate(t *testing.T) {
	s := run(t, Config{640, 360, 10}, 20, func(n int) {
		if n == 5 {
			time.Sleep(1050 * time.Millisecond)
		}
	})
	scene := newScene(640, 360)
	for i, p := range s.seen {
		want := i
		if i >= 5 {
			want += 9
		}
		if got := scene.read(scene.count, p.picture); got != fmt.Sprintf("%08d", want) || p.timestamp != uint32(want*9000) {
			t.Errorf("picture %d shows the number %s, want %d", i, got, want)
		}
	}
}

// After a real encoder the digits can still be read, and the colours are those of the bars.
func TestThePatternSurvivesAnEncoder(t *testing.T) {
	s := run(t, Config{640, 360, 15}, 30, func(int) {})
	var raw []byte
	for _, p := range s.seen {
		raw = append(raw, p.picture...)
	}
	ffmpeg := func(input []byte, args string) []byte {
		cmd := exec.Command("ffmpeg", strings.Fields("-v error "+args+" -")...)
		cmd.Stdin = bytes.NewReader(input)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		return out
	}
	coded := ffmpeg(raw, "-f rawvideo -pix_fmt nv12 -s 640x360 -r 15 -i - -c:v libx264 -preset ultrafast -tune zerolatency -b:v 400k -f h264")
	shown := ffmpeg(coded, "-f h264 -i - -f rawvideo -pix_fmt nv12")
	scene, size := newScene(640, 360), 640*360*3/2
	if len(shown) != 30*size {
		t.Fatalf("%d bytes", len(shown))
	}
	for i := range 30 {
		picture := shown[i*size : (i+1)*size]
		if got := scene.read(scene.count, picture); got != fmt.Sprintf("%08d", i) {
			t.Errorf("picture %d shows %s", i, got)
		}
		if got := scene.read(scene.clock, picture); got != s.seen[i].wall.Format("15:04:05.000") {
			t.Errorf("picture %d shows %s", i, got)
		}
		for b, bar := range bars {
			x := (2*b + 1) * 640 / 14
			at := 640*360 + 10*640 + x - x%2
			got := [3]byte{picture[20*640+x], picture[at], picture[at+1]}
			for c := range got {
				if d := int(got[c]) - int(bar[c]); d < -12 || d > 12 {
					t.Errorf("picture %d: bar %d is %v, want %v", i, b, got, bar)
				}
			}
		}
	}
}

func fmtOf(c Config) camera.Format {
	return camera.Format{Codec: camera.NV12, Width: c.Width, Height: c.Height}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"": "{640 360 15}", "width: 1280\nheight: 720\nfps: 29.97": "{1280 720 29.97}",
		"width: 641":  "c.yaml:2:8: width: found 641; write an even number from 160 to 1920",
		"width: 8":    "c.yaml:2:8: width: found 8; write an even number from 160 to 1920",
		"height: 999": "c.yaml:2:9: height: found 999; write an even number from 90 to 1080",
		"fps: 0":      "c.yaml:2:6: fps: found 0; write a number from 0.1 to 60",
		"size: 1":     "c.yaml:2:1: size: unknown key; known here: fps, height, width",
	} {
		s, err := config.ParseSection("c.yaml", "type: test\n"+text)
		if err != nil {
			t.Fatal(err)
		}
		c, err := Decode(s)
		got := fmt.Sprint(c)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func BenchmarkPicture(b *testing.B) {
	s, now := newScene(640, 360), time.Now()
	for n := range int64(b.N) {
		s.draw(n, now.Add(time.Duration(n)*66*time.Millisecond))
	}
}

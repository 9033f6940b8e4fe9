package encode_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
)

// A clip is what a camera might send. Each picture is of one brightness, by which it is known again.
type clip struct {
	codec  camera.Codec
	size   string // 320x240
	length int    // pictures, 25 a second
	args   string // of ffmpeg's encoder
	format string // raw, of ffmpeg
	moving bool   // a test pattern instead, which costs what a camera's pictures cost
}

func hevc(size string, length int) clip {
	return clip{
		codec: camera.H265, size: size, length: length, format: "hevc",
		args: "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:bframes=0:repeat-headers=1",
	}
}

func avc(options string) clip {
	return clip{codec: camera.H264, size: "320x240", length: 80, format: "h264", args: "-c:v libx264 -preset ultrafast -g 25 " + options}
}

func jpegs(size string, length int) clip {
	return clip{codec: camera.MJPEG, size: size, length: length, format: "mjpeg", args: "-c:v mjpeg -pix_fmt yuvj420p -q:v 2"}
}

// raws are pictures as a sensor gives them.
func raws(codec camera.Codec, size string, length int) clip {
	format := map[camera.Codec]string{camera.YUYV: "yuyv422", camera.NV12: "nv12", camera.I420: "yuv420p"}[codec]
	return clip{codec: codec, size: size, length: length, format: "rawvideo", args: "-c:v rawvideo -pix_fmt " + format}
}

// announced is what the camera says of it.
func (c clip) announced(t testing.TB) (f camera.Format) {
	f.Codec = c.codec
	if c.codec.Raw() {
		if _, err := fmt.Sscanf(c.size, "%dx%d", &f.Width, &f.Height); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// brightness is that of the n-th picture. Neighbours differ clearly.
func brightness(n int) int { return 40 + n*23%160 }

// A shot is one picture of a clip.
type shot struct {
	encode.Picture
	brightness int
}

// make encodes the clip: pictures in the order of decoding, with their timestamps from start on.
func (c clip) make(t testing.TB, start uint32) []shot {
	t.Helper()
	dir := t.TempDir()
	raw, index := filepath.Join(dir, "raw"), filepath.Join(dir, "index")
	args := []string{"-loglevel", "error", "-f", "lavfi", "-i", c.source(), "-frames:v", fmt.Sprint(c.length), "-threads", "1"}
	args = append(append(args, strings.Fields(c.args)...), "-map", "0:v", "-f", "tee", fmt.Sprintf("[f=%s]%s|[f=framecrc]%s", c.format, raw, index))
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("making a clip: %v: %s", err, out)
	}
	return c.cut(t, raw, index, start)
}

func (c clip) source() string {
	if c.moving {
		return fmt.Sprintf("testsrc2=size=%s:rate=25", c.size)
	}
	return fmt.Sprintf("color=black:size=%s:rate=25,geq=lum='40+mod(N*23,160)':cb=128:cr=128", c.size)
}

// cut takes the file apart by the sizes and times in the index.
func (c clip) cut(t testing.TB, raw, index string, start uint32) (shots []shot) {
	t.Helper()
	data, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	num, den := 1, 1
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#tb 0:") {
			if _, err := fmt.Sscanf(line, "#tb 0: %d/%d", &num, &den); err != nil {
				t.Fatal(err)
			}
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		var dts, pts, duration, size int
		if _, err := fmt.Sscanf(line, "0, %d, %d, %d, %d,", &dts, &pts, &duration, &size); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		seconds := float64(pts*num) / float64(den)
		shots = append(shots, shot{
			encode.Picture{Units: c.units(data[:size]), Timestamp: start + uint32(math.Round(seconds*90_000))},
			brightness(int(math.Round(seconds * 25))),
		})
		data = data[size:]
	}
	return shots
}

func (c clip) units(picture []byte) (units [][]byte) {
	if c.codec.Single() {
		return [][]byte{picture}
	}
	h264.EachAnnexB(picture, func(unit []byte) { units = append(units, unit) })
	return units
}

// A screen receives what a Transcoder makes, and puts the pictures together again.
type screen struct {
	t        testing.TB
	onPacket func(camera.Packet) // may be nil

	mu       sync.Mutex
	changed  *sync.Cond
	over     bool
	open     [][]byte // units of the picture that is not complete
	fragment []byte
	pictures []pictureSeen
}

type pictureSeen struct {
	units     [][]byte
	timestamp uint32
}

func newScreen(t testing.TB) *screen {
	s := &screen{t: t}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// listen lets f see each packet from now on.
func (s *screen) listen(f func(camera.Packet)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onPacket = f
}

func (s *screen) Packet(p camera.Packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.onPacket != nil {
		s.onPacket(p)
	}
	if len(p.Payload) > camera.MaxPayload {
		s.t.Errorf("a payload of %d bytes", len(p.Payload))
	}
	if p.Payload[0]&0x1f == 28 { // FU-A
		if p.Payload[1]&0x80 != 0 {
			s.fragment = []byte{p.Payload[0]&0x60 | p.Payload[1]&0x1f}
		}
		s.fragment = append(s.fragment, p.Payload[2:]...)
		if p.Payload[1]&0x40 != 0 {
			s.open = append(s.open, s.fragment)
		}
	} else {
		s.open = append(s.open, bytes.Clone(p.Payload))
	}
	if p.Marker {
		s.pictures = append(s.pictures, pictureSeen{s.open, p.Timestamp})
		s.open = nil
		s.changed.Broadcast()
	}
}

// wait blocks until there are n pictures, or Run has returned, and returns them.
func (s *screen) wait(n int) []pictureSeen {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pictures) < n && !s.over {
		s.changed.Wait()
	}
	if len(s.pictures) < n {
		s.t.Fatalf("%d pictures came, want %d", len(s.pictures), n)
	}
	return s.pictures[:len(s.pictures):len(s.pictures)]
}

func (s *screen) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.changed.Broadcast()
}

func (p pictureSeen) content() (c h264.Content) {
	for _, unit := range p.units {
		c |= h264.Look(unit)
	}
	return c
}

func (p pictureSeen) isKey() bool { return p.content().Has(h264.IDR) }

// format is what its SPS says.
func (p pictureSeen) format(t testing.TB) h264.Format {
	t.Helper()
	for _, unit := range p.units {
		if h264.Look(unit).Has(h264.SPS) {
			f, err := h264.ParseSPS(unit)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatal("a picture without an SPS")
	return h264.Format{}
}

// decode returns the brightness of each picture, which all must be of one size.
func decode(t testing.TB, pictures []pictureSeen) []byte {
	t.Helper()
	cmd := exec.Command("ffmpeg", "-loglevel", "error", "-threads", "1", "-f", "h264", "-i", "pipe:0", "-vsync", "drop",
		"-vf", "scale=2:2:flags=area", "-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1")
	cmd.Stdin = bytes.NewReader(byteStream(pictures))
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	frames, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("decoding: %v: %s", err, complaints.String())
	}
	var seen []byte
	for frame := range slices.Chunk(frames, 6) { // 4 of luma, 2 of chroma
		seen = append(seen, frame[0])
	}
	return seen
}

func byteStream(pictures []pictureSeen) (stream []byte) {
	for _, p := range pictures {
		for _, unit := range p.units {
			stream = append(append(stream, 0, 0, 0, 1), unit...)
		}
	}
	return stream
}

package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const (
	x264  = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 10 "
	bpics = "-c:v libx264 -preset ultrafast -bf 2 -b_strategy 0 -pix_fmt yuv420p -g 10 "
	x265  = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:bframes=0 "
)

// ffmpeg makes a clip of 40 pictures, 10 in a second, and returns its path.
func ffmpeg(t testing.TB, args string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "clip")
	all := "-v error -f lavfi -i testsrc2=size=320x240:rate=10:duration=4 " + args + " " + name
	if text, err := exec.Command("ffmpeg", strings.Fields(all)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", all, err, text)
	}
	return name
}

// gstreamer does the same.
func gstreamer(t testing.TB, muxer string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "clip")
	all := "-q videotestsrc num-buffers=40 ! video/x-raw,width=320,height=240,framerate=10/1 ! " +
		"x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! h264parse ! " + muxer + " ! filesink location=" + name
	if text, err := exec.Command("gst-launch-1.0", strings.Fields(all)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", all, err, text)
	}
	return name
}

// all reads every picture of a clip.
func all(t testing.TB, path string, fps float64) (frames []frame, format camera.Format) {
	t.Helper()
	f, err := open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	form, err := recognize(f)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{Path: path, FPS: fps}).clip(f, form)
	if err != nil {
		t.Fatal(err)
	}
	for {
		p, err := c.next()
		if errors.Is(err, io.EOF) {
			return frames, c.format()
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.units != nil {
			p.data = nil
			for _, u := range p.units {
				p.data = append(append(p.data, 0, 0, 0, byte(len(u))), u...)
			}
		}
		p.data = bytes.Clone(p.data)
		frames = append(frames, p)
	}
}

func TestClipsAsFfprobeSeesThem(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		format camera.Codec
	}{
		"MP4":                      {ffmpeg(t, x264+"-f mp4"), camera.H264},
		"MP4, index first":         {ffmpeg(t, x264+"-movflags faststart -f mp4"), camera.H264},
		"MP4, no edit list":        {ffmpeg(t, x264+"-use_editlist 0 -f mp4"), camera.H264},
		"MP4, B-frames":            {ffmpeg(t, bpics+"-f mp4"), camera.H264},
		"MP4, H.265":               {ffmpeg(t, x265+"-f mp4"), camera.H265},
		"MP4, H.265 as Apple does": {ffmpeg(t, x265+"-tag:v hvc1 -f mp4"), camera.H265},
		"MOV":                      {ffmpeg(t, x264+"-f mov"), camera.H264},
		"MP4, sound":               {ffmpeg(t, "-f lavfi -i sine=duration=4 -map 1 -map 0 -c:a aac "+x264+"-f mp4"), camera.H264},
		"fragments":                {ffmpeg(t, x264+"-movflags frag_keyframe+empty_moov -f mp4"), camera.H264},
		"fragments, based there":   {ffmpeg(t, bpics+"-movflags frag_keyframe+empty_moov+default_base_moof -f mp4"), camera.H264},
		"fragments, each track":    {ffmpeg(t, "-f lavfi -i sine=duration=4 -map 1 -map 0 -c:a aac "+x264+"-movflags frag_keyframe+empty_moov+separate_moof -f mp4"), camera.H264},
		"fragment of each picture": {ffmpeg(t, x264+"-movflags frag_every_frame+empty_moov -f mp4"), camera.H264},
		"GStreamer":                {gstreamer(t, "mp4mux"), camera.H264},
		"GStreamer, fragments":     {gstreamer(t, "mp4mux fragment-duration=500"), camera.H264},
		"GStreamer, streamable":    {gstreamer(t, "mp4mux fragment-duration=500 streamable=true"), camera.H264},
		"GStreamer, MOV":           {gstreamer(t, "qtmux"), camera.H264},
		"MPEG-TS":                  {ffmpeg(t, bpics+"-f mpegts"), camera.H264},
		"MPEG-TS, H.265":           {ffmpeg(t, x265+"-f mpegts"), camera.H265},
	} {
		t.Run(name, func(t *testing.T) {
			frames, format := all(t, c.path, 0)
			if format.Codec != c.format {
				t.Errorf("found %v", format)
			}
			compare(t, frames, c.path)
		})
	}
}

// compare looks at times, sizes and key frames.
func compare(t *testing.T, frames []frame, path string) {
	t.Helper()
	out, err := exec.Command("ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts_time,dts_time,size,flags", "-of", "json", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Packets []struct {
			Show   string `json:"pts_time"`
			Decode string `json:"dts_time"`
			Size   string `json:"size"`
			Flags  string `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	if len(frames) != 40 || len(want.Packets) != 40 {
		t.Fatalf("%d pictures, ffprobe sees %d", len(frames), len(want.Packets))
	}
	seconds := func(text string) float64 { s, _ := strconv.ParseFloat(text, 64); return s }
	near := func(got int64, want float64) bool { d := float64(got)/hertz - want; return d < 2e-3 && d > -2e-3 }
	for i, w := range want.Packets {
		f := frames[i]
		if !near(f.decode-frames[0].decode, seconds(w.Decode)-seconds(want.Packets[0].Decode)) || !near(f.show-f.decode, seconds(w.Show)-seconds(w.Decode)) {
			if i > 0 || !near(f.show-f.decode, 0) { // ffprobe invents some decoding times in the beginning
				t.Errorf("picture %d: decode %d, show %d, want %s, %s", i, f.decode-frames[0].decode, f.show-frames[0].decode, w.Decode, w.Show)
			}
		}
		if size, _ := strconv.Atoi(w.Size); len(f.data)-size > 1 || size-len(f.data) > 1 {
			t.Errorf("picture %d has %d bytes, want %d", i, len(f.data), size)
		}
		if f.key != strings.Contains(w.Flags, "K") {
			t.Errorf("picture %d: key %v, flags %s", i, f.key, w.Flags)
		}
	}
}

func TestClipsWithoutAClock(t *testing.T) {
	for name, c := range map[string]struct {
		path  string
		fps   float64
		codec camera.Codec
		step  int64
	}{
		"H.264 says its rate":    {ffmpeg(t, x264+"-f h264"), 0, camera.H264, 9000},
		"H.264, another rate":    {ffmpeg(t, x264+"-f h264"), 20, camera.H264, 4500},
		"H.265":                  {ffmpeg(t, x265+"-f hevc"), 0, camera.H265, 3600},
		"MJPEG":                  {ffmpeg(t, "-c:v mjpeg -f mjpeg"), 0, camera.MJPEG, 3600},
		"MJPEG, another rate":    {ffmpeg(t, "-c:v mjpeg -f mjpeg"), 10, camera.MJPEG, 9000},
		"MJPEG as cameras do":    {ffmpeg(t, "-c:v mjpeg -f mpjpeg"), 15, camera.MJPEG, 6000},
		"MJPEG, half at its end": {half(t, ffmpeg(t, "-c:v mjpeg -f mjpeg")), 15, camera.MJPEG, 6000},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "MJPEG as cameras do" { // it begins with a line of text: the form is known otherwise
				text, err := os.ReadFile(c.path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(c.path, text[bytes.Index(text, []byte{0xff, 0xd8}):], 0o600); err != nil {
					t.Fatal(err)
				}
			}
			frames, format := all(t, c.path, c.fps)
			want := 40
			if strings.Contains(name, "half") {
				want = len(frames)
			}
			if format.Codec != c.codec || len(frames) != want || want < 8 {
				t.Fatalf("%v, %d pictures", format, len(frames))
			}
			for i, f := range frames {
				if f.show != int64(i)*c.step || f.decode != f.show {
					t.Fatalf("picture %d is shown at %d", i, f.show)
				}
				if c.codec == camera.MJPEG && (!bytes.HasPrefix(f.data, []byte{0xff, 0xd8}) || !bytes.HasSuffix(f.data, []byte{0xff, 0xd9})) {
					t.Fatalf("picture %d is not whole", i)
				}
			}
		})
	}
}

// half cuts a file in two and returns the path of the first half.
func half(t testing.TB, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2+11); err != nil {
		t.Fatal(err)
	}
	return path
}

// A file that is still being recorded, or whose recording was cut off, ends where it ends.
func TestFragmentsThatAreNotAllThere(t *testing.T) {
	frames, _ := all(t, half(t, ffmpeg(t, x264+"-movflags frag_keyframe+empty_moov -f mp4")), 0)
	if len(frames) < 15 || len(frames) >= 40 {
		t.Errorf("%d pictures", len(frames))
	}
}

func FuzzMP4(f *testing.F) {
	for _, args := range []string{bpics + "-f mp4", x264 + "-movflags frag_every_frame+empty_moov -frames 3 -f mp4", x265 + "-frames 2 -f mov"} {
		text, err := os.ReadFile(ffmpeg(f, "-s 32x32 "+args))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := os.CreateTemp(dir, "clip")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		defer os.Remove(file.Name())
		if _, err := file.Write(data); err != nil {
			t.Fatal(err)
		}
		c, err := newMP4(file)
		if err != nil {
			return
		}
		for range 2000 {
			if _, err := c.next(); err != nil {
				return
			}
		}
	})
}

func FuzzJPEGs(f *testing.F) {
	f.Add([]byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xda, 0, 2, 7, 0xff, 0, 9, 0xff, 0xd9, 5, 0xff, 0xd8, 0xff, 0xff, 0xd9})
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		c := newJPEGs(bytes.NewReader(data), 0)
		for {
			p, err := c.next()
			if err != nil {
				break
			}
			total += len(p.data)
		}
		if total > len(data) {
			t.Fatalf("%d bytes of images out of %d", total, len(data))
		}
		bytestream.Describe(data)
	})
}

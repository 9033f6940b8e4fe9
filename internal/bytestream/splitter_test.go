package bytestream_test

import (
	"bytes"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"pgregory.net/rapid"
)

// split reads a byte stream that comes in pieces, each with its number as its time.
func split(codec camera.Codec, all [][]byte, between func(*bytestream.Splitter)) (seen []picture, s *bytestream.Splitter) {
	written := 0
	s = bytestream.NewSplitter(codec, func(p bytestream.Picture) {
		p.Data = bytes.Clone(p.Data)
		seen = append(seen, picture{p, written})
	})
	for i, piece := range all {
		written++
		s.Write(piece, bytestream.Stamp{Show: int64(i)})
		between(s)
	}
	s.Flush()
	return seen, s
}

func nothing(*bytestream.Splitter) {}

func pausing(s *bytestream.Splitter) { s.Hint(bytestream.Paused) }

func join(seen []picture) (whole []byte) {
	for _, p := range seen {
		whole = append(whole, p.Data...)
	}
	return whole
}

func TestPicturesOfByteStreams(t *testing.T) {
	for name, c := range map[string]struct {
		codec camera.Codec
		args  string
	}{
		"H.264":          {camera.H264, x264 + "-f h264"},
		"slices":         {camera.H264, x264 + "-slices 5 -f h264"},
		"delimiters":     {camera.H264, x264 + "-x264-params aud=1 -f h264"},
		"B-frames":       {camera.H264, "-c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p -g 10 -f h264"},
		"H.265":          {camera.H265, "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:bframes=0 -f hevc"},
		"H.265 B-frames": {camera.H265, "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:bframes=3:slices=2 -f hevc"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := ffmpeg(t, "320x240", c.args)
			if got := bytestream.CodecOf(clip[:min(len(clip), 4096)]); got != c.codec {
				t.Errorf("taken for %q", got)
			}
			if got := bytestream.Recognize(clip); got != bytestream.AnnexB {
				t.Errorf("taken for %q", got)
			}
			for _, most := range []int{1, 7, 1000, 64 << 10} {
				seen, _ := split(c.codec, pieces(clip, most), nothing)
				if len(seen) != 40 || !bytes.Equal(join(seen), clip) {
					t.Fatalf("in pieces of %d: %d pictures, %d bytes of %d", most, len(seen), len(join(seen)), len(clip))
				}
				if !seen[0].Key || seen[1].Key || !seen[10].Key && c.codec == camera.H264 && name != "B-frames" {
					t.Error("the key frames are others")
				}
			}
		})
	}
}

// pictures of a byte stream, one by one.
func whole(t testing.TB) [][]byte {
	seen, _ := split(camera.H264, [][]byte{ffmpeg(t, "320x240", x264+"-f h264")}, nothing)
	var all [][]byte
	for _, p := range seen {
		all = append(all, p.Data)
	}
	return all
}

func TestAProgramThatPausesAfterEachPicture(t *testing.T) {
	all := whole(t)
	seen, s := split(camera.H264, all, pausing)
	if len(seen) != len(all) || s.Late() {
		t.Fatalf("%d pictures of %d, late %v", len(seen), len(all), s.Late())
	}
	for i, p := range seen {
		if at := int64(i); p.Stamp.Show != at || p.Lost != 0 || !bytes.Equal(p.Data, all[i]) {
			t.Errorf("picture %d: time %d, %d lost", i, p.Stamp.Show, p.Lost)
		}
		if i >= 9 && p.after != i+1 {
			t.Errorf("picture %d goes on after %d were written", i, p.after)
		}
	}
}

// As stdio does it: the end of each picture stays in the buffer until the next one comes.
func TestAProgramThatKeepsTheEndOfEachPicture(t *testing.T) {
	pictures := whole(t)
	all := bytes.Join(pictures, nil)
	var blocks [][]byte
	end, rest := 0, 0
	for _, p := range pictures {
		end += len(p)
		full := end / 512 * 512
		blocks = append(blocks, all[rest:full])
		rest = full
	}
	blocks = append(blocks, all[rest:])
	seen, s := split(camera.H264, blocks, pausing)
	if len(seen) != 40 || !bytes.Equal(join(seen), all) || !s.Late() {
		t.Errorf("%d pictures, %d bytes of %d, late %v", len(seen), len(join(seen)), len(all), s.Late())
	}
	for i, p := range seen {
		if p.Lost != 0 {
			t.Errorf("picture %d: %d lost", i, p.Lost)
		}
	}
}

// A program that was right for long and is held up once: one picture is cut in two, it is told, and from then on no pause is believed.
func TestAPauseWithinAPicture(t *testing.T) {
	all := whole(t)
	var blocks [][]byte
	for i, p := range all {
		if i == 15 {
			blocks = append(blocks, p[:len(p)/2], p[len(p)/2:])
			continue
		}
		blocks = append(blocks, p)
	}
	seen, s := split(camera.H264, blocks, pausing)
	if len(seen) != len(all) || !s.Late() {
		t.Fatalf("%d pictures of %d, late %v", len(seen), len(all), s.Late())
	}
	for i, p := range seen {
		if want := map[bool]int{true: 1}[i == 16]; p.Lost != want {
			t.Errorf("picture %d: %d lost", i, p.Lost)
		}
		if i != 15 && !bytes.Equal(p.Data, all[i]) {
			t.Errorf("picture %d is another", i)
		}
	}
}

func TestAPictureWithoutEnd(t *testing.T) {
	endless := append([]byte{0, 0, 1, 0x65, 0x88}, bytes.Repeat([]byte{7}, 9<<20)...)
	all := whole(t)
	seen, _ := split(camera.H264, append([][]byte{endless}, all...), nothing)
	if len(seen) != len(all) || seen[0].Lost != 1 {
		t.Errorf("%d pictures, %d lost", len(seen), seen[0].Lost)
	}
}

// Wherever a stream is cut, whatever pauses there are: nothing is made up, nothing comes twice, and all of it comes where no pause lies.
func TestAnyPiecesAnyPauses(t *testing.T) {
	clip := bytes.Join(whole(t), nil)
	rapid.Check(t, func(t *rapid.T) {
		var all [][]byte
		for rest := clip; len(rest) > 0; {
			n := min(rapid.SampledFrom([]int{1, 2, 3, 100, 4096, 9999}).Draw(t, "size"), len(rest))
			all, rest = append(all, rest[:n]), rest[n:]
			if len(all) > 200 {
				all, rest = append(all, rest), nil
			}
		}
		pauses := rapid.Bool().Draw(t, "pauses")
		seen, _ := split(camera.H264, all, func(s *bytestream.Splitter) {
			if pauses && rapid.IntRange(0, 3).Draw(t, "pause") == 0 {
				s.Hint(bytestream.Paused)
			}
		})
		at := 0
		for _, p := range seen {
			i := bytes.Index(clip[at:], p.Data)
			if i < 0 || i > 0 && !pauses {
				t.Fatalf("a picture that was not written, or not there")
			}
			at += i + len(p.Data)
		}
	})
}

func FuzzSplitter(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x65, 0x88, 1, 0, 0, 1, 0x41, 0x9a}, 3, true)
	f.Add([]byte{0, 0, 1, 0x40, 1, 0xc, 0, 0, 1, 0x26, 1, 0xaf, 0, 0, 1, 2, 1, 0xd0}, 2, false)
	f.Fuzz(func(t *testing.T, data []byte, size int, avc bool) {
		size = max(1, size)
		codec := camera.H265
		if avc {
			codec = camera.H264
		}
		var all [][]byte
		for i := 0; i < len(data); i += min(size, len(data)) {
			all = append(all, data[i:min(i+size, len(data))])
		}
		seen, _ := split(codec, all, pausing)
		if n := len(join(seen)); n > len(data) {
			t.Fatalf("%d bytes of pictures out of %d", n, len(data))
		}
		bytestream.Recognize(data)
		if bytestream.Describe(data) == "" {
			t.Fatal("nothing to say")
		}
	})
}

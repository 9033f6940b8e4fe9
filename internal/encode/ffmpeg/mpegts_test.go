package ffmpeg

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// makeTS lets ffmpeg write n pictures, of a size that a PES packet cannot tell if large, and returns the stream and the size of each.
func makeTS(t testing.TB, n int, large bool) (ts []byte, sizes []int) {
	t.Helper()
	dir := t.TempDir()
	stream, index := filepath.Join(dir, "ts"), filepath.Join(dir, "index")
	quality := "45"
	if large {
		quality = "25"
	}
	cmd := exec.Command("ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25,noise=alls=60:allf=t", "-frames:v", fmt.Sprint(n),
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "10", "-qp", quality, "-map", "0:v", "-muxdelay", "0", "-muxpreload", "0",
		"-f", "tee", "[f=mpegts:omit_video_pes_length=0]"+stream+"|[f=framecrc]"+index)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ts, err := os.ReadFile(stream)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var dts, pts, duration, size int
		if _, err := fmt.Sscanf(line, "0, %d, %d, %d, %d,", &dts, &pts, &duration, &size); err == nil {
			sizes = append(sizes, size)
		}
	}
	return ts, sizes
}

// Every picture is whole, and there as soon as its last packet is: only one that fills its last packet to the last byte has to wait.
func TestDemuxerGivesPicturesWholeAndAtOnce(t *testing.T) {
	for _, large := range []bool{false, true} {
		ts, sizes := makeTS(t, 60, large)
		var d demuxer
		var got int
		emit := func(picture []byte, pts uint64) {
			const delimiter = 6 // which the container adds
			if len(picture) != sizes[got]+delimiter {
				t.Errorf("large %v: picture %d has %d bytes, want %d", large, got, len(picture), sizes[got]+delimiter)
			}
			if want := uint64(got * 3600); pts != want {
				t.Errorf("large %v: picture %d is of %d, want %d", large, got, pts, want)
			}
			got++
		}
		waited, biggest := 0, 0
		for p := range bytesOf(ts, tsPacket) {
			if begins := p[1]&0x40 != 0 && p[1]&0x1f == 1 && p[2] == 0; begins && d.open {
				waited++
			}
			if err := d.packet(p, emit); err != nil {
				t.Fatal(err)
			}
		}
		for _, n := range sizes {
			biggest = max(biggest, n)
		}
		if large != (biggest > 1<<16) {
			t.Fatalf("the test is no test: its largest picture has %d bytes", biggest)
		}
		if got != len(sizes) || waited > 3 {
			t.Errorf("large %v: %d pictures of %d, %d of them late", large, got, len(sizes), waited)
		}
	}
}

// bytesOf cuts data into pieces of n bytes.
func bytesOf(data []byte, n int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(data) >= n && yield(data[:n]) {
			data = data[n:]
		}
	}
}

func TestDemuxerNeverGivesHalfAPicture(t *testing.T) {
	ts, sizes := makeTS(t, 12, true)
	for end := 0; end <= len(ts); end += len(ts)/50 + 1 {
		n := 0
		err := new(demuxer).run(bytes.NewReader(ts[:end]), func(picture []byte, _ uint64) {
			if len(picture) != sizes[n]+6 {
				t.Errorf("after %d bytes: picture %d has %d bytes, want %d", end, n, len(picture), sizes[n]+6)
			}
			n++
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestDemuxerRefuses(t *testing.T) {
	ts, _ := makeTS(t, 2, false)
	first := bytes.Index(ts, []byte{tsSync, 0x41, 0}) // its video begins
	for name, spoil := range map[string]func(p []byte){
		"a packet begins with 0x0":                   func(p []byte) { p[0] = 0 },
		"a picture without its header":               func(p []byte) { p[4+1+int(p[4])] = 9 },
		"a picture without its timestamp":            func(p []byte) { p[4+1+int(p[4])+7] = 0 },
		"an adaptation field of 255 bytes":           func(p []byte) { p[4] = 255 },
		"a picture goes on after its end":            func(p []byte) { p[1] &^= 0x40 },
		"a picture shorter than its header":          func(p []byte) { p[4+1+int(p[4])+4], p[4+1+int(p[4])+5] = 0, 1 },
		"a picture longer than it said":              func(p []byte) { p[4+1+int(p[4])+4], p[4+1+int(p[4])+5] = 0, 20 },
		"a picture shorter than it said":             func(p []byte) { p[4+1+int(p[4])+4], p[4+1+int(p[4])+5] = 255, 255 },
		"reading from ffmpeg: the disk is not there": nil,
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if spoil == nil {
				err = new(demuxer).run(broken{}, func([]byte, uint64) {})
			} else {
				spoiled := bytes.Clone(ts)
				spoil(spoiled[first:])
				err = new(demuxer).run(bytes.NewReader(spoiled), func([]byte, uint64) {})
			}
			if err == nil || !strings.HasSuffix(err.Error(), name) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPayloadKnowsPadding(t *testing.T) {
	for _, tc := range []struct {
		name   string
		head   []byte // after the first three bytes
		body   int    // bytes
		padded bool
	}{
		{"nothing but the body", []byte{0x10}, 184, false},
		{"no body", []byte{0x20}, 0, false},
		{"one byte of padding", []byte{0x30, 0}, 183, true},
		{"two bytes of padding", []byte{0x30, 1, 0}, 182, true},
		{"more padding", []byte{0x30, 9, 0}, 174, true},
		{"an indicator of key frames", []byte{0x30, 1, 0x40}, 182, false},
		{"the same and padding", []byte{0x30, 2, 0x40}, 181, true},
		{"a clock", []byte{0x30, 7, 0x50}, 176, false},
		{"a clock and padding", []byte{0x30, 8, 0x50}, 175, true},
	} {
		p := make([]byte, tsPacket)
		copy(p[3:], tc.head)
		body, padded, err := payload(p)
		if len(body) != tc.body || padded != tc.padded || err != nil {
			t.Errorf("%s: %d bytes, padded: %v, %v", tc.name, len(body), padded, err)
		}
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is not there") }

func FuzzDemuxer(f *testing.F) {
	ts, _ := makeTS(f, 3, false)
	f.Add(ts[:10*tsPacket]) // tables and the begin of a picture
	video := bytes.Index(ts, []byte{tsSync, 0x41, 0})
	f.Add(ts[video:][:2*tsPacket])
	f.Add(append(bytes.Clone(ts[len(ts)-tsPacket:]), ts[video:][:tsPacket]...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		total := 0
		_ = new(demuxer).run(bytes.NewReader(stream), func(picture []byte, pts uint64) {
			if len(picture) == 0 || pts >= 1<<33 {
				t.Fatalf("%d bytes at %d", len(picture), pts)
			}
			total += len(picture)
		})
		if total > len(stream) {
			t.Fatalf("%d bytes came of %d", total, len(stream))
		}
	})
}

package bytestream_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
)

// run returns what a program writes.
func run(t testing.TB, input []byte, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stdin = bytes.NewReader(input)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v: %s", program, args, err, said.Bytes())
	}
	return out
}

// ffmpeg makes a clip of 40 pictures, 10 in a second.
func ffmpeg(t testing.TB, size string, args string) []byte {
	t.Helper()
	all := "-v error -f lavfi -i testsrc2=size=" + size + ":rate=10:duration=4 " + args + " -"
	return run(t, nil, "ffmpeg", strings.Fields(all)...)
}

// probed are the pictures of a clip as ffprobe sees them.
type probed struct {
	Packets []struct {
		Show   int64  `json:"pts"`
		Decode int64  `json:"dts"`
		Size   string `json:"size"`
		Flags  string `json:"flags"`
	} `json:"packets"`
}

func probe(t testing.TB, clip []byte) (p probed) {
	t.Helper()
	out := run(t, clip, "ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "packet=pts,dts,size,flags", "-of", "json", "-")
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// picture is one that was seen.
type picture struct {
	bytestream.Picture
	after int // how many pieces had been written
}

// pieces cuts a clip at random.
func pieces(clip []byte, most int) (all [][]byte) {
	random := rand.New(rand.NewPCG(1, uint64(most)))
	for len(clip) > 0 {
		n := min(1+random.IntN(most), len(clip))
		all = append(all, clip[:n])
		clip = clip[n:]
	}
	return all
}

// demux reads a clip that comes in pieces.
func demux(t testing.TB, all [][]byte) (seen []picture, d *bytestream.Demuxer) {
	t.Helper()
	written := 0
	d = bytestream.NewDemuxer(func(p bytestream.Picture) {
		p.Data = bytes.Clone(p.Data)
		seen = append(seen, picture{p, written})
	})
	for _, piece := range all {
		written++
		if err := d.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	d.Flush()
	return seen, d
}

// check compares what was seen with what ffprobe sees.
func check(t testing.TB, seen []picture, want probed) {
	t.Helper()
	if len(seen) != len(want.Packets) {
		t.Fatalf("%d pictures, want %d", len(seen), len(want.Packets))
	}
	for i, w := range want.Packets {
		p := seen[i]
		// Whose a zero between two pictures is, opinions differ on.
		if size, _ := strconv.Atoi(w.Size); len(p.Data)-size > 1 || size-len(p.Data) > 1 {
			t.Errorf("picture %d has %d bytes, want %d", i, len(p.Data), size)
		}
		const bits = 1<<33 - 1
		if (p.Stamp.Show-w.Show)&bits != 0 || (p.Stamp.Decode-w.Decode)&bits != 0 || i > 0 && p.Stamp.Decode <= seen[i-1].Stamp.Decode {
			t.Errorf("picture %d: times %v, want %d, %d", i, p.Stamp, w.Show, w.Decode)
		}
		if p.Key != strings.Contains(w.Flags, "K") {
			t.Errorf("picture %d: key %v, flags %s", i, p.Key, w.Flags)
		}
		if p.Lost != 0 {
			t.Errorf("picture %d: %d lost", i, p.Lost)
		}
	}
}

package clip

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// tiny is the smallest clip worth making.
var tiny = Spec{Name: "tiny", Width: 320, Height: 180, FPS: 15, Frames: picture.CounterPeriod, GOP: 30, BitrateKbps: 300, Camera: 9}

func ffmpeg(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		t.Fatalf("these tests need ffmpeg (Debian: apt-get install ffmpeg): %v", err)
	}
	return path
}

func TestMadeClipLoads(t *testing.T) {
	path, err := Ensure(t.Context(), ffmpeg(t), t.TempDir(), tiny)
	if err != nil {
		t.Fatal(err)
	}
	clip, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if clip.Width != 320 || clip.Height != 180 || clip.FPS != 15 || len(clip.Units) != 600 {
		t.Fatalf("got %dx%d, %d fps, %d units", clip.Width, clip.Height, clip.FPS, len(clip.Units))
	}
	for n, unit := range clip.Units {
		if unit.Key != (n%tiny.GOP == 0) {
			t.Errorf("unit %d: key %v", n, unit.Key)
		}
		if kinds := nalKinds(unit); unit.Key && !strings.Contains(kinds, "7 8") {
			t.Errorf("key unit %d holds NAL units %s: parameter sets are missing", n, kinds)
		}
	}
}

func TestMadeClipShowsItsCounters(t *testing.T) {
	path, err := Ensure(t.Context(), ffmpeg(t), t.TempDir(), tiny)
	if err != nil {
		t.Fatal(err)
	}
	// To a quarter of its size: 2.5 pixels per block remain.
	decode := exec.CommandContext(t.Context(), ffmpeg(t), "-loglevel", "error", "-i", path, "-vf", "scale=128:72", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
	raw, err := decode.Output()
	if err != nil {
		t.Fatal(err)
	}
	const size = 128 * 72 * 3 / 2
	if len(raw) != 600*size {
		t.Fatalf("%d bytes decoded, want 600 pictures of %d", len(raw), size)
	}
	var reader picture.Reader
	for n := range 600 {
		if got := reader.Read(raw[n*size:][:size], 128, 72); got.Counter != n || got.Camera != 9 {
			t.Errorf("picture %d: read counter %d of camera %d", n, got.Counter, got.Camera)
		}
	}
}

func TestEnsureMakesAClipOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clips")
	path, err := Ensure(t.Context(), ffmpeg(t), dir, tiny)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Ensure(t.Context(), "/nonexistent/ffmpeg", dir, tiny)
	if err != nil || again != path {
		t.Errorf("second time: %s, %v; want %s without ffmpeg", again, err, path)
	}
	other := tiny
	other.Camera = 1
	if other.FileName() == tiny.FileName() {
		t.Error("two specs share a file name")
	}
}

func TestFailedMakeLeavesNothing(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	brokenPath := filepath.Join(t.TempDir(), "ffmpeg")
	if err := os.WriteFile(brokenPath, []byte("#!/bin/sh\necho no such codec >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	wrong := tiny
	wrong.Frames = 100
	cases := map[string]struct {
		ctx    context.Context
		ffmpeg string
		spec   Spec
		want   string
	}{
		"missing ffmpeg": {t.Context(), "/nonexistent/ffmpeg", tiny, "/nonexistent/ffmpeg"},
		"failing ffmpeg": {t.Context(), brokenPath, tiny, "no such codec"},
		"ended context":  {done, ffmpeg(t), tiny, "context canceled"},
		"wrong spec":     {t.Context(), ffmpeg(t), wrong, "want a multiple of 600"},
	}
	for name, c := range cases {
		dir := t.TempDir()
		err := Make(c.ctx, c.ffmpeg, c.spec, filepath.Join(dir, "clip.h264"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
		if left, _ := os.ReadDir(dir); len(left) != 0 {
			t.Errorf("%s: left %v behind", name, left)
		}
	}
}

func TestLoadRefusesOtherFiles(t *testing.T) {
	for name, content := range map[string]string{
		"empty":        "",
		"text":         "no start code in here",
		"no key frame": "\x00\x00\x01\x41\x9a\x00\x00\x01\x41\x9a",
		"no sps":       "\x00\x00\x00\x01\x65\x88\x84",
	} {
		path := filepath.Join(t.TempDir(), "clip.h264")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(path); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestSlicesOfAPictureStayTogether(t *testing.T) {
	stream := "\x00\x00\x00\x01\x67\x01\x00\x00\x00\x01\x68\x02\x00\x00\x01\x65\x88\x00\x00\x01\x65\x08" + // SPS PPS, IDR in two slices
		"\x00\x00\x01\x41\x9a\x00\x00\x01\x41\x1a" + // P in two slices
		"\x00\x00\x01\x06\x05\x00\x00\x01\x41\x9a\x00\x00" // SEI, P, padding
	units := splitUnits(splitNALs([]byte(stream)))
	var got []string
	for _, unit := range units {
		got = append(got, nalKinds(unit))
	}
	if want := "7 8 5 5|1 1|6 1"; strings.Join(got, "|") != want {
		t.Errorf("units %q, want %q", strings.Join(got, "|"), want)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("\x00\x00\x01A")) // a slice without a beginning
	f.Add([]byte("\x00\x00\x01\x67\x00\x00\x01\x65\x88"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		nals, total := splitNALs(stream), 0
		for _, unit := range splitUnits(nals) {
			total += len(unit.NALs)
		}
		if total != len(nals) {
			t.Errorf("%d of %d NAL units in units", total, len(nals))
		}
	})
}

// nalKinds returns the types of the NAL units of a unit.
func nalKinds(unit Unit) string {
	kinds := make([]string, len(unit.NALs))
	for i, nal := range unit.NALs {
		kinds[i] = string('0' + rune(nal[0]&0x1F))
	}
	return strings.Join(kinds, " ")
}

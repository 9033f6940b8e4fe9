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
	clip, err := Load(path, tiny)
	if err != nil {
		t.Fatal(err)
	}
	if clip.Codec != H264 || clip.FPS != 15 || len(clip.Units) != 600 {
		t.Fatalf("got %s, %d fps, %d units", clip.Codec, clip.FPS, len(clip.Units))
	}
	for n, unit := range clip.Units {
		if unit.Key != (n%tiny.GOP == 0) || unit.Shown != n {
			t.Errorf("unit %d: key %v, shown as picture %d", n, unit.Key, unit.Shown)
		}
		if kinds := nalKinds(unit); unit.Key && !strings.Contains(kinds, "7 8") {
			t.Errorf("key unit %d holds NAL units %s: parameter sets are missing", n, kinds)
		}
	}
}

// variant is tiny with something different.
func variant(change func(*Spec)) Spec {
	spec := tiny
	change(&spec)
	return spec
}

func TestClipsShowTheirCounters(t *testing.T) {
	for name, spec := range map[string]Spec{
		"H.264":    tiny,
		"B-frames": variant(func(s *Spec) { s.BFrames = 2 }),
		"slices":   variant(func(s *Spec) { s.Slices = 4 }),
		"shrinks":  variant(func(s *Spec) { s.Shrinks = true }),
		"H.265":    variant(func(s *Spec) { s.Codec = H265 }),
		"MJPEG":    variant(func(s *Spec) { s.Codec = MJPEG }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, err := Ensure(t.Context(), ffmpeg(t), t.TempDir(), spec)
			if err != nil {
				t.Fatal(err)
			}
			clip, err := Load(path, spec)
			if err != nil || len(clip.Units) != 600 {
				t.Fatalf("%d units, %v", len(clip.Units), err)
			}
			checkShape(t, clip, spec)
			checkCounters(t, path)
		})
	}
}

// checkShape looks at what the clip is made of.
func checkShape(t *testing.T, clip *Clip, spec Spec) {
	t.Helper()
	late, parts, sets := 0, 0, map[string]bool{}
	for i, unit := range clip.Units {
		if want := spec.Codec == MJPEG || i%tiny.GOP == 0; unit.Key != want {
			t.Errorf("unit %d: key %v, want %v", i, unit.Key, want)
		}
		if unit.Shown > i {
			late++
		}
		for _, nal := range unit.NALs {
			if clip.SetOf(nal) == "SPS" {
				sets[string(nal)] = true
			}
		}
		if !unit.Key {
			parts = max(parts, len(unit.NALs))
		}
	}
	if sizes := len(sets); spec.Codec != MJPEG && sizes != 1 && !spec.Shrinks || spec.Shrinks && sizes != 2 {
		t.Errorf("%d sequence parameter sets", sizes)
	}
	if spec.BFrames > 0 != (late > 150) {
		t.Errorf("%d of 600 pictures are shown after one that is sent later", late)
	}
	if spec.Slices > 1 && parts != spec.Slices {
		t.Errorf("pictures have %d slices, want %d", parts, spec.Slices)
	}
}

// checkCounters decodes the clip to a quarter of its size, at which 2.5 pixels per block remain, and reads all pictures.
func checkCounters(t *testing.T, path string) {
	t.Helper()
	decode := exec.CommandContext(t.Context(), ffmpeg(t), "-loglevel", "error", "-i", path, "-fps_mode", "passthrough",
		"-vf", "scale=128:72:out_range=tv", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-")
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

// What is sent in the order I P b b P b b is shown as I b b P b b P.
func TestPicturesAreShownInOrder(t *testing.T) {
	i, p, b := []byte{0x65, 0b10110000}, []byte{0x41, 0b11100000}, []byte{0x01, 0b10100000} // first_mb_in_slice 0; slice_type 2, 0, 1
	var units []Unit
	for _, slice := range [][]byte{i, p, b, b, p, b, b, i} {
		units = append(units, Unit{NALs: [][]byte{slice}})
	}
	order(units, H264)
	for n, want := range []int{0, 3, 1, 2, 6, 4, 5, 7} {
		if units[n].Shown != want {
			t.Errorf("unit %d is shown as picture %d, want %d", n, units[n].Shown, want)
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
		"wrong codec":    {t.Context(), ffmpeg(t), variant(func(s *Spec) { s.Codec = "vp8" }), "want h264, h265 or mjpeg"},
		"wrong B-frames": {t.Context(), ffmpeg(t), variant(func(s *Spec) { s.Codec, s.BFrames = H265, 2 }), "for H.264 only"},
		"cannot shrink":  {t.Context(), ffmpeg(t), variant(func(s *Spec) { s.GOP = 600; s.Shrinks = true }), "whole groups"},
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
		if _, err := Load(path, tiny); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
}

func TestSlicesOfAPictureStayTogether(t *testing.T) {
	stream := "\x00\x00\x00\x01\x67\x01\x00\x00\x00\x01\x68\x02\x00\x00\x01\x65\x88\x00\x00\x01\x65\x08" + // SPS PPS, IDR in two slices
		"\x00\x00\x01\x41\x9a\x00\x00\x01\x41\x1a" + // P in two slices
		"\x00\x00\x01\x06\x05\x00\x00\x01\x41\x9a\x00\x00" // SEI, P, padding
	units := splitUnits(splitNALs([]byte(stream)), lookH264)
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
		nals := splitNALs(stream)
		for codec, look := range map[Codec]func([]byte) nal{H264: lookH264, H265: lookH265} {
			units, total := splitUnits(nals, look), 0
			for _, unit := range units {
				total += len(unit.NALs)
			}
			if total != len(nals) {
				t.Errorf("%s: %d of %d NAL units in units", codec, total, len(nals))
			}
			order(units, codec)
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

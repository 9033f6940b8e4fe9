package bytestream_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
)

func TestWhatIsNotWantedIsNamed(t *testing.T) {
	for kind, want := range map[string]string{
		"mp4": "MP4", "matroska": "Matroska or WebM", "avi": "AVI", "flv": "FLV", "yuv4mpegpipe": "raw pictures (YUV4MPEG2)",
		"mpeg": "an MPEG program stream", "mpeg2video": "MPEG-1 or MPEG-2 video", "m4v": "MPEG-4 part 2 video", "asf": "ASF or WMV", "mjpeg": "JPEG", "ogg": "Ogg",
	} {
		name := filepath.Join(t.TempDir(), "clip")
		codec := map[string]string{"flv": "flv", "yuv4mpegpipe": "wrapped_avframe", "mpeg": "mpeg2video", "mpeg2video": "mpeg2video", "m4v": "mpeg4", "mjpeg": "mjpeg", "ogg": "libtheora"}[kind]
		if codec == "" {
			codec = "mpeg4"
		}
		args := "-v error -f lavfi -i testsrc2=size=64x64:rate=25:duration=0.2 -pix_fmt yuv420p -strict -1 -c:v " + codec + " -f " + kind + " " + name
		if text, err := exec.Command("ffmpeg", strings.Fields(args)...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %s", kind, text)
		}
		clip, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytestream.Describe(clip[:min(len(clip), bytestream.Enough)]); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
	for text, want := range map[string]string{
		"Setting pipeline to PAUSED ...\nPipeline is live":             `text ("Setting pipeline to PAUSED ...")`,
		strings.Repeat("ä", 100):                                       `text ("` + strings.Repeat("ä", 60) + `")`,
		"\x01\x02\x03\xff\xfe\x00binary":                               "nothing we know (it begins with 01 02 03 ff fe 00 62 69 6e 61 72 79)",
		"RIFF0000WHAT":                                                 `text ("RIFF0000WHAT")`,
		"\x00\x00\x00\x00":                                             "nothing we know (it begins with 00 00 00 00)",
		string(bytes.Repeat(append(make([]byte, 4), 0x47), 1)) + "abc": "nothing we know (it begins with 00 00 00 00 47 61 62 63)",
	} {
		if got := bytestream.Describe([]byte(text)); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

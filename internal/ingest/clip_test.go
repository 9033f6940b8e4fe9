package ingest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

// A clip is what a camera sends: 60 pictures, 25 a second, with a key frame each second.
type clip struct {
	codec camera.Codec
	args  string // of ffmpeg's encoder
}

var (
	hevc      = clip{camera.H265, "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25:scenecut=0:bframes=0:repeat-headers=1"}
	plain     = clip{camera.H264, "-c:v libx264 -preset ultrafast -profile:v baseline -g 25"}
	bframes   = clip{camera.H264, "-c:v libx264 -preset ultrafast -profile:v main -g 25 -bf 2 -b_strategy 0"}
	deep      = clip{camera.H264, "-c:v libx264 -preset ultrafast -g 25 -bf 0 -pix_fmt yuv422p10le"}
	jpegs     = clip{camera.MJPEG, "-c:v mjpeg -pix_fmt yuvj420p"}
	clipSize  = 60
	formats   = map[camera.Codec]string{camera.H264: "h264", camera.H265: "hevc", camera.MJPEG: "mjpeg"}
	frameTime = uint32(3600)
)

// shoot makes the packets of the clip, by picture in the order in which they come; timestamps begin at start.
func (c clip) shoot(t testing.TB, start uint32) (pictures [][]camera.Packet) {
	t.Helper()
	dir := t.TempDir()
	raw, index := filepath.Join(dir, "raw"), filepath.Join(dir, "index")
	args := []string{"-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-frames:v", fmt.Sprint(clipSize), "-threads", "1"}
	args = append(append(args, strings.Fields(c.args)...), "-map", "0:v", "-f", "tee", fmt.Sprintf("[f=%s]%s|[f=framecrc]%s", formats[c.codec], raw, index))
	if out, err := exec.Command("ffmpeg", args...).CombinedOutput(); err != nil {
		t.Fatalf("making a clip: %v: %s", err, out)
	}
	data, err := os.ReadFile(raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var dts, pts, duration, size int
		if _, err := fmt.Sscanf(line, "0, %d, %d, %d, %d,", &dts, &pts, &duration, &size); err != nil {
			continue // a comment
		}
		pictures = append(pictures, c.packets(t, data[:size], start+uint32(pts/duration)*frameTime))
		data = data[size:]
	}
	if len(pictures) != clipSize {
		t.Fatalf("%d pictures", len(pictures))
	}
	return pictures
}

func (c clip) packets(t testing.TB, picture []byte, timestamp uint32) (row []camera.Packet) {
	t.Helper()
	if c.codec == camera.MJPEG {
		return []camera.Packet{{Payload: picture, Timestamp: timestamp, Marker: true}}
	}
	var units [][]byte
	h264.EachAnnexB(picture, func(unit []byte) { units = append(units, unit) })
	var encoder interface {
		Init() error
		Encode([][]byte) ([]*rtp.Packet, error)
	} = &rtph264.Encoder{PayloadType: 96, PayloadMaxSize: 700, PacketizationMode: 1}
	if c.codec == camera.H265 {
		encoder = &rtph265.Encoder{PayloadType: 96, PayloadMaxSize: 700}
	}
	if err := encoder.Init(); err != nil {
		t.Fatal(err)
	}
	all, err := encoder.Encode(units)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		row = append(row, camera.Packet{Payload: p.Payload, Timestamp: timestamp, Marker: p.Marker})
	}
	return row
}

// play sends pictures.
func (r *rig) play(pictures [][]camera.Packet) {
	for _, row := range pictures {
		for _, p := range row {
			r.Packet(p)
		}
	}
}

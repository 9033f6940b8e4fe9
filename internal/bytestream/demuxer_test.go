package bytestream_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/bytestream"
	"github.com/overshoot-ai/overshoot-agent/internal/camera"
)

const x264 = "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 10 "

func TestWhatFfmpegWrites(t *testing.T) {
	for name, args := range map[string]string{
		"usual":              x264 + "-f mpegts",
		"with lengths":       x264 + "-omit_video_pes_length 0 -f mpegts",
		"B-frames":           "-c:v libx264 -preset ultrafast -bf 3 -b_strategy 0 -pix_fmt yuv420p -g 10 -f mpegts",
		"other PIDs":         x264 + "-mpegts_start_pid 0x321 -mpegts_pmt_start_pid 0x1ff0 -f mpegts",
		"H.265":              "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=10:bframes=0 -f mpegts",
		"with sound":         "-f lavfi -i sine=duration=4 -map 1 -map 0 -c:a aac " + x264 + "-f mpegts",
		"constant rate":      x264 + "-muxrate 4M -f mpegts",
		"the clock wraps":    x264 + "-output_ts_offset 95442 -mpegts_copyts 1 -f mpegts",
		"several slices":     x264 + "-slices 4 -f mpegts",
		"delimiters as well": x264 + "-x264-params aud=1 -f mpegts",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := ffmpeg(t, "320x240", args)
			want := probe(t, clip)
			for _, most := range []int{1, 188, 1000, 64 << 10} {
				seen, d := demux(t, pieces(clip, most))
				check(t, seen, want)
				codec := camera.H264
				if name == "H.265" {
					codec = camera.H265
				}
				if d.Codec() != codec {
					t.Errorf("found %q", d.Codec())
				}
			}
		})
	}
}

// gstreamer makes a clip of 40 pictures, 10 in a second.
func gstreamer(t testing.TB, pipeline string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "clip")
	run(t, nil, "gst-launch-1.0", strings.Fields("-q videotestsrc num-buffers=40 ! video/x-raw,width=320,height=240,framerate=10/1 ! "+
		pipeline+" ! filesink location="+out)...)
	clip, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return clip
}

func TestWhatGStreamerWrites(t *testing.T) {
	const encoder = "x264enc tune=zerolatency key-int-max=10 speed-preset=ultrafast ! "
	for name, pipeline := range map[string]string{
		"usual":      encoder + "mpegtsmux",
		"parsed":     encoder + "h264parse config-interval=-1 ! mpegtsmux",
		"by unit":    encoder + "h264parse ! video/x-h264,stream-format=byte-stream,alignment=nal ! mpegtsmux",
		"alignment":  encoder + "mpegtsmux alignment=7",
		"with sound": encoder + "queue ! mpegtsmux name=m audiotestsrc num-buffers=100 ! lamemp3enc ! mpegaudioparse ! queue ! m. m.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clip := gstreamer(t, pipeline)
			want := probe(t, clip)
			for _, most := range []int{1, 1000, 64 << 10} {
				seen, _ := demux(t, pieces(clip, most))
				check(t, seen, want)
			}
		})
	}
}

func TestAPictureWithALengthGoesOnAtOnce(t *testing.T) {
	clip := ffmpeg(t, "320x240", x264+"-omit_video_pes_length 0 -f mpegts")
	var packets [][]byte
	for p := range slices.Chunk(clip, 188) {
		packets = append(packets, p)
	}
	seen, _ := demux(t, packets)
	for i, p := range seen[20:39] {
		next := packets[p.after]
		if begins := next[1]&0x40 != 0; !begins {
			t.Errorf("picture %d was not emitted with its last packet", 20+i)
		}
	}
}

func TestLostPacketsAreCountedAndTheirPictureLeftOut(t *testing.T) {
	clip := ffmpeg(t, "640x480", x264+"-f mpegts")
	want := probe(t, clip)
	begins := 0
	var damaged []byte
	for p := range slices.Chunk(clip, 188) {
		video := int(p[1]&0x1f)<<8|int(p[2]) == 0x100
		if video && p[1]&0x40 != 0 {
			begins++
		}
		if video && begins == 7 && p[1]&0x40 == 0 && p[3]&0x20 == 0 {
			begins = 100 // once
			continue
		}
		damaged = append(damaged, p...)
	}
	seen, _ := demux(t, [][]byte{damaged})
	lost := 0
	for i, p := range seen {
		if lost += p.Lost; p.Lost > 0 && i != 6 {
			t.Errorf("picture %d comes after a loss", i)
		}
	}
	if lost != 1 || len(seen) != len(want.Packets)-1 {
		t.Errorf("%d lost, %d pictures of %d", lost, len(seen), len(want.Packets))
	}
}

func TestGarbageIsPassedOver(t *testing.T) {
	clip := ffmpeg(t, "320x240", x264+"-f mpegts")
	n := len(clip) / 188 / 2 * 188
	damaged := append([]byte("some words before the video\x47, "), clip[:n]...)
	damaged = append(append(damaged, bytes.Repeat([]byte("and within\x47"), 99)...), clip[n:]...)
	for _, most := range []int{1, 100, 5000} {
		seen, _ := demux(t, pieces(damaged, most))
		lost := 0
		for _, p := range seen {
			lost += p.Lost
		}
		if len(seen) < 37 || lost == 0 {
			t.Errorf("in pieces of %d: %d pictures, %d lost", most, len(seen), lost)
		}
	}
}

func TestOtherVideoIsNamed(t *testing.T) {
	for want, args := range map[string]string{
		"the MPEG-TS holds no H.264 or H.265, but MPEG-2 video":        "-c:v mpeg2video -f mpegts",
		"the MPEG-TS holds no H.264 or H.265, but MPEG-4 part 2 video": "-c:v mpeg4 -f mpegts",
	} {
		err := bytestream.NewDemuxer(func(bytestream.Picture) { t.Error("a picture") }).Write(ffmpeg(t, "320x240", args))
		if bad, ok := errors.AsType[*bytestream.UnusableError](err); !ok || bad.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func FuzzDemuxer(f *testing.F) {
	clip := ffmpeg(f, "64x64", x264+"-f mpegts")
	f.Add(clip[:20*188], 188)
	f.Add(clip[:3*188], 7)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size <= 0 {
			size = 1
		}
		total := 0
		d := bytestream.NewDemuxer(func(p bytestream.Picture) {
			if len(p.Data) == 0 {
				t.Fatal("an empty picture")
			}
			total += len(p.Data)
		})
		for i := 0; i < len(data); i += size {
			if d.Write(data[i:min(i+size, len(data))]) != nil {
				break
			}
			if i%3 == 0 {
				d.Pause()
			}
		}
		d.Flush()
		if total > len(data) {
			t.Fatalf("%d bytes of pictures out of %d", total, len(data))
		}
	})
}

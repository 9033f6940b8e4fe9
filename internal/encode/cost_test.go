package encode_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/ffmpeg"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/openh264"
	"golang.org/x/sys/unix"
)

const (
	benchRate  = 30 // pictures a second
	benchScene = 60 // pictures, shown again and again
	benchLoops = 5
)

// BenchmarkCost compares what a camera costs here, this process and its children together, with an ffmpeg that does the same alone: the same
// pictures from a file, the same encoder, RTP to loopback. It reports shares of one core. Run it with -benchtime=1x.
func BenchmarkCost(b *testing.B) {
	for _, size := range []string{"640x480", "1280x720"} {
		for _, c := range []clip{raws(camera.YUYV, size, benchScene), jpegs(size, benchScene)} {
			c.moving = true
			if c.codec == camera.MJPEG {
				c.args = "-c:v mjpeg -pix_fmt yuvj422p -q:v 5" // as USB cameras make it
			}
			file := filepath.Join(b.TempDir(), "scene")
			shots := c.make(b, 0)
			join(b, file, shots)
			b.Run(fmt.Sprintf("%s/%s/ffmpeg-alone", c.codec, size), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(alone(b, c, file), "cpu-%")
				}
			})
			for _, kind := range []encode.Kind{ffmpeg.New("ffmpeg", unscrubbed), openh264.New()} {
				name := kind.Encoders()[len(kind.Encoders())-1].Name()
				b.Run(fmt.Sprintf("%s/%s/%s", c.codec, size, name), func(b *testing.B) {
					for b.Loop() {
						b.ReportMetric(ours(b, c, shots, encode.NewEncoders(kind)), "cpu-%")
					}
				})
			}
		}
	}
}

func join(b *testing.B, file string, shots []shot) {
	b.Helper()
	f, err := os.Create(file)
	for _, s := range shots {
		if err == nil {
			_, err = f.Write(s.Units[0])
		}
	}
	if err != nil || f.Close() != nil {
		b.Fatal(err)
	}
}

// share is that of one core, in per cent, over the length of the whole.
func share(used time.Duration) float64 {
	return 100 * used.Seconds() / (benchScene * benchLoops / float64(benchRate))
}

func alone(b *testing.B, c clip, file string) float64 {
	b.Helper()
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	args := []string{"-loglevel", "error", "-nostdin", "-re", "-stream_loop", fmt.Sprint(benchLoops - 1)}
	if c.codec.Raw() {
		args = append(args, "-f", "rawvideo", "-pix_fmt", "yuyv422", "-s", c.size, "-r", fmt.Sprint(benchRate))
	} else {
		args = append(args, "-f", "mjpeg", "-framerate", fmt.Sprint(benchRate))
	}
	args = append(args, "-flags", "low_delay", "-i", file, "-filter_threads", "1",
		"-vf", "scale=-2:'trunc(min(720,ih)/2)*2':flags=bilinear,format=yuv420p")
	args = append(args, strings.Fields("-c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -threads 2 -crf 25 -g 60 -f rtp")...)
	bits := fmt.Sprint(bitrateOf(b, c))
	cmd := exec.Command("ffmpeg", append(args, "-maxrate", bits, "-bufsize", bits, "rtp://"+to.LocalAddr().String())...)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return share(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
}

// bitrateOf is what a camera of that size gets here.
func bitrateOf(b *testing.B, c clip) int {
	b.Helper()
	var width, height int
	if _, err := fmt.Sscanf(c.size, "%dx%d", &width, &height); err != nil {
		b.Fatal(err)
	}
	return 2_000_000 * height / 720 * height / 720
}

func ours(b *testing.B, c clip, shots []shot, encoders *encode.Encoders) float64 {
	b.Helper()
	if _, err := encoders.Verdicts(b.Context(), encode.Job{Codec: c.codec, Width: 64, Height: 64}); err != nil { // trials are not part of it
		b.Fatal(err)
	}
	before := processorTime(b)
	r := start(b, encode.Options{Codec: c.codec, MaxHeight: 720, Encoders: encoders})
	r.Begin(c.announced(b))
	tick := time.NewTicker(time.Second / benchRate)
	defer tick.Stop()
	for n := range benchScene * benchLoops {
		s := shots[n%benchScene].Picture
		s.Timestamp = uint32(n * 90_000 / benchRate)
		r.Write(s)
		<-tick.C
	}
	_ = r.stop()
	b.ReportMetric(r.metric(b, "frames_dropped_total"), "dropped")
	b.ReportMetric(r.metric(b, "frames_skipped_total"), "skipped")
	return share(processorTime(b) - before)
}

// processorTime is what this process and its children that are gone have used.
func processorTime(b *testing.B) (sum time.Duration) {
	b.Helper()
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var used unix.Rusage
		if err := unix.Getrusage(who, &used); err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	return sum
}

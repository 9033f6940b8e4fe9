package ffmpeg

import (
	"fmt"
	"strconv"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// A codec is one of ffmpeg's encoders that we know how to use.
type codec struct {
	name     string
	hardware bool
	device   []string // options before the input
	filter   string   // how it wants its pictures
	tuning   []string // zero latency, baseline, no B-frames, forced key frames that are IDR
	rate     func(bits string) []string
}

// codecs lists them, best first.
func codecs() []codec {
	capped := func(bits string) []string { return []string{"-b:v", bits, "-maxrate", bits, "-bufsize", bits} }
	return []codec{
		{
			name: "h264_v4l2m2m", hardware: true, filter: "format=yuv420p",
			tuning: []string{"-profile:v", "578"}, // constrained baseline; it knows no names
			rate:   func(bits string) []string { return []string{"-b:v", bits} },
		},
		{
			name: "h264_vaapi", hardware: true, device: []string{"-vaapi_device", "/dev/dri/renderD128"}, filter: "format=nv12,hwupload",
			tuning: []string{"-profile:v", "578", "-bf", "0"}, rate: capped,
		},
		{
			name: "h264_nvenc", hardware: true, filter: "format=yuv420p",
			tuning: []string{"-preset", "p1", "-tune", "ull", "-zerolatency", "1", "-delay", "0", "-profile:v", "baseline", "-bf", "0", "-forced-idr", "1"},
			rate:   capped,
		},
		{
			name: "h264_qsv", hardware: true, filter: "format=nv12",
			tuning: []string{"-preset", "veryfast", "-async_depth", "1", "-profile:v", "baseline", "-bf", "0", "-forced_idr", "1"}, rate: capped,
		},
		{
			name: "libx264", filter: "format=yuv420p",
			tuning: []string{"-preset", "ultrafast", "-tune", "zerolatency", "-profile:v", "baseline", "-forced-idr", "1", "-threads", "2"},
			// Constant quality below a ceiling: a camera that looks at an empty yard costs next to nothing.
			rate: func(bits string) []string { return []string{"-crf", "25", "-maxrate", bits, "-bufsize", bits} },
		},
	}
}

// arguments returns ffmpeg's command line for one camera.
//
// There is no "-fflags nobuffer", which recipes for low latency recommend: it throws away the pictures that were looked at to recognize the
// stream, and so the key frame. Looking at one picture (probesize) has the same latency. low_delay turns off decoding several pictures
// at once, each of which waits for the others.
//
// fpsmax drops nothing, since the timestamps are passed on. It tells encoders the usual rate of a camera. Without it they take the clock's rate
// for that of the pictures, 90,000 in a second, give each some 20 bits, and after a minute nothing is left of them but flat grey.
func arguments(c codec, job encode.Job) []string {
	args := []string{"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error"}
	args = append(args, c.device...)
	args = append(args,
		"-flags", "low_delay", "-probesize", "32", "-analyzeduration", "1", "-fpsprobesize", "0",
		"-c:v", decoder(job.Codec), "-copyts", "-f", "ivf", "-i", "pipe:0",
		"-an", "-filter_threads", "1", "-vf", scale(job.MaxHeight)+","+c.filter, "-c:v", c.name)
	args = append(args, c.tuning...)
	args = append(args, c.rate(strconv.Itoa(job.Bitrate))...)
	return append(args,
		"-fpsmax", usualRate, "-g", "250", "-force_key_frames", keyFrames, "-enc_time_base", fmt.Sprintf("1:%d", encode.Hertz),
		"-muxdelay", "0", "-muxpreload", "0", "-omit_video_pes_length", "0", "-mpegts_start_pid", strconv.Itoa(videoPID),
		"-flush_packets", "1", "-f", "mpegts", "pipe:1")
}

// usualRate is how many pictures a second cameras send, more or less.
const usualRate = "30"

func decoder(c camera.Codec) string {
	switch c {
	case camera.H265:
		return "hevc"
	case camera.MJPEG:
		return "mjpeg"
	case camera.YUYV, camera.NV12, camera.I420:
		return "rawvideo"
	}
	return "h264"
}

// scale makes pictures fit, never larger, and even: 4:2:0 has no half pixels. It is not fast_bilinear, which is no faster here, writes machine
// code at run time for pictures that keep their width, and so fails where a service may not do that (MemoryDenyWriteExecute=).
func scale(maxHeight int) string {
	if maxHeight == 0 {
		maxHeight = 1 << 14
	}
	return fmt.Sprintf("scale=-2:'trunc(min(%d,ih)/2)*2':flags=bilinear", maxHeight)
}

// keyFrames is the rule: the first picture, then every two seconds.
const keyFrames = "expr:isnan(prev_forced_t)+gte(t,prev_forced_t+2)"

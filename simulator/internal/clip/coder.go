package clip

import (
	"fmt"
	"slices"
	"strconv"
)

// encoderArgs asks ffmpeg for what a camera sends: parameter sets in band, a fixed GOP, and a bit rate held within half a second.
func encoderArgs(spec Spec) []string {
	input := []string{
		"-hide_banner", "-loglevel", "error", "-nostdin",
		"-f", "rawvideo", "-pix_fmt", "yuv420p", "-video_size", fmt.Sprintf("%dx%d", spec.Width, spec.Height),
		"-framerate", strconv.Itoa(spec.FPS), "-i", "pipe:0",
	}
	coder := map[Codec]func(Spec) []string{H264: h264Args, H265: h265Args, MJPEG: mjpegArgs}[spec.codec()]
	return append(slices.Concat(input, coder(spec)), "pipe:1")
}

// h264Args: without B-frames it is baseline, as cameras of the better kind send it.
func h264Args(spec Spec) []string {
	profile := "baseline"
	if spec.BFrames > 0 {
		profile = "main"
	}
	gop := strconv.Itoa(spec.GOP)
	return append([]string{
		"-c:v", "libx264", "-preset", "veryfast", "-profile:v", profile, "-slices", strconv.Itoa(max(spec.Slices, 1)),
		"-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", strconv.Itoa(spec.BFrames),
		// B-frames are always as many as asked for, and nothing refers to them: see order.
		"-x264-params", "repeat-headers=1:b-adapt=0:b-pyramid=none",
		"-f", "h264",
	}, rateArgs(spec)...)
}

func h265Args(spec Spec) []string {
	return append([]string{
		"-c:v", "libx265", "-preset", "ultrafast",
		"-x265-params", fmt.Sprintf("log-level=error:repeat-headers=1:bframes=0:scenecut=0:open-gop=0:keyint=%[1]d:min-keyint=%[1]d", spec.GOP),
		"-f", "hevc",
	}, rateArgs(spec)...)
}

// mjpegArgs: RTP has no place for Huffman tables of one's own (RFC 2435 section 3.1), and its pictures have the full range.
func mjpegArgs(Spec) []string {
	return []string{"-c:v", "mjpeg", "-huffman", "default", "-pix_fmt", "yuvj420p", "-q:v", "6", "-f", "mjpeg"}
}

func rateArgs(spec Spec) []string {
	rate := strconv.Itoa(spec.BitrateKbps) + "k"
	return []string{"-b:v", rate, "-maxrate", rate, "-bufsize", strconv.Itoa(spec.BitrateKbps/2) + "k"}
}

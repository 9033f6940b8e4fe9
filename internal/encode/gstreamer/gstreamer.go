// Package gstreamer makes H.264 with a gst-launch-1.0 in a child process for each camera. It is for NVIDIA's Jetson boards, whose encoder only
// GStreamer and NVIDIA's own libraries reach. It takes raw pictures.
//
// Pictures go to its standard input one after the other; the result comes from its standard output as RTP packets (RFC 6184) with their lengths
// before them (RFC 4571). GStreamer's times begin at nought with the first picture and go on by a thirtieth of a second, so they tell which picture
// one was made of.
package gstreamer

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/pipe"
)

// A Kind is what one program can do. It implements encode.Kind.
type Kind struct {
	program  string
	scrub    func(string) string
	encoders []encoder
}

// New returns the encoders of program, "gst-launch-1.0" or a path to it. scrub takes secrets out of what it says.
func New(program string, scrub func(string) string) *Kind {
	return &Kind{program: program, scrub: scrub, encoders: []encoder{{name: "nvv4l2h264enc", class: encode.HardwareChild, elements: jetson}}}
}

// Encoders implements encode.Kind.
func (k *Kind) Encoders() (all []encode.Encoder) {
	for _, e := range k.encoders {
		e.kind = k
		all = append(all, &e)
	}
	return all
}

// An encoder is one of the program's.
type encoder struct {
	kind     *Kind
	name     string
	class    encode.Class
	elements func(width, height, bitrate int) string // from raw pictures to a byte stream, of that size
}

// jetson is NVIDIA's accelerated GStreamer: baseline, constant bitrate, the fastest preset, a key frame every two seconds at the usual rate. Its
// converter also makes pictures smaller.
func jetson(width, height, bitrate int) string {
	return fmt.Sprintf("nvvidconv ! video/x-raw(memory:NVMM),format=NV12,width=%d,height=%d"+
		" ! nvv4l2h264enc bitrate=%d control-rate=1 profile=0 preset-level=1 maxperf-enable=true num-B-Frames=0 insert-sps-pps=true"+
		" iframeinterval=%d idrinterval=%d ! video/x-h264,stream-format=byte-stream", width, height, bitrate, group, group)
}

// group is how many pictures are between two key frames.
const group = 2 * rate

// Name implements encode.Encoder.
func (e *encoder) Name() string { return e.name }

// Class implements encode.Encoder.
func (e *encoder) Class() encode.Class { return e.class }

// Takes implements encode.Encoder.
func (e *encoder) Takes(job encode.Job) error {
	if !job.Codec.Raw() {
		return fmt.Errorf("here it takes no %s", job.Codec)
	}
	_, err := child.Find(e.kind.program)
	return err
}

// Work implements encode.Encoder.
func (e *encoder) Work(ctx context.Context, job encode.Job, desk encode.Desk) error {
	path, err := child.Find(e.kind.program)
	if err != nil {
		return err
	}
	var stamps stamps
	return pipe.Talk{
		Command: child.Command{Program: path, Args: e.arguments(job), Env: child.Environment("GST_PLUGIN_PATH", "GST_REGISTRY")},
		Name:    "gst-launch-1.0", Scrub: e.kind.scrub,
		Wrap: func(f *encode.Frame) []byte {
			stamps.add(f.Timestamp())
			return f.Data()
		},
		Read: func(r io.Reader, emit func(unit []byte, timestamp uint32)) error {
			return new(receiver).run(r, func(unit []byte, number int) { emit(unit, stamps.of(number)) })
		},
	}.Run(ctx, job, desk)
}

// arguments returns the command line: a program in GStreamer's own language, a word each.
func (e *encoder) arguments(job encode.Job) []string {
	width, height := fit(job)
	line := []string{
		"-q", "fdsrc", "fd=0", "!", "rawvideoparse", "width=" + strconv.Itoa(job.Width), "height=" + strconv.Itoa(job.Height),
		"format=" + format(job.Codec), fmt.Sprintf("framerate=%d/1", rate),
	}
	line = append(line, lay(job)...)
	line = append(line, "!")
	line = append(line, strings.Fields(e.elements(width, height, job.Bitrate))...)
	return append(line, "!", "rtph264pay", "mtu="+strconv.Itoa(maxPacket), "config-interval=-1", "timestamp-offset=0",
		"!", "rtpstreampay", "!", "fdsink", "fd=1", "sync=false")
}

func format(c camera.Codec) string {
	if c == camera.YUYV {
		return "yuy2"
	}
	return strings.ToLower(string(c))
}

// lay says where the planes of a picture are, and how long their lines: GStreamer pads lines to multiples of four bytes, and ours are not padded.
func lay(job encode.Job) []string {
	luma, chroma := job.Width*job.Height, job.Width/2*(job.Height/2)
	places := func(strides, offsets string, size int) []string {
		return []string{"plane-strides=<" + strides + ">", "plane-offsets=<" + offsets + ">", "frame-size=" + strconv.Itoa(size)}
	}
	switch job.Codec {
	case camera.NV12:
		return places(fmt.Sprintf("%d,%d", job.Width, job.Width), fmt.Sprintf("0,%d", luma), luma+2*chroma)
	case camera.I420:
		return places(fmt.Sprintf("%d,%d,%d", job.Width, job.Width/2, job.Width/2), fmt.Sprintf("0,%d,%d", luma, luma+chroma), luma+2*chroma)
	}
	return nil // two pixels of YUYV have four bytes
}

// fit returns the size of what comes out. Its sides are even: 4:2:0 has no half pixels.
func fit(job encode.Job) (width, height int) {
	if !job.Shrinks(job.Height) {
		return job.Width, job.Height
	}
	height = job.MaxHeight &^ 1
	return (job.Width*height + job.Height) / (2 * job.Height) * 2, height
}

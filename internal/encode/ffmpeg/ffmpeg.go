// Package ffmpeg makes H.264 with an ffmpeg in a child process for each camera, so that a codec that crashes, leaks or hangs costs one camera a
// moment.
//
// Pictures go to its standard input in IVF, which carries any codec, the length of each picture and its timestamp; the result comes from
// its standard output as MPEG-TS, which keeps the timestamps. The order of pictures is ffmpeg's business.
package ffmpeg

import (
	"context"
	"errors"
	"io"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/encode/pipe"
)

// A Kind is what one program can do. It implements encode.Kind and encode.Decoder.
type Kind struct {
	program string
	scrub   func(string) string
}

// New returns the encoders of program, "ffmpeg" or a path to it. scrub takes secrets out of what it says.
func New(program string, scrub func(string) string) *Kind {
	return &Kind{program: program, scrub: scrub}
}

// Encoders implements encode.Kind.
func (k *Kind) Encoders() (all []encode.Encoder) {
	for _, c := range codecs() {
		all = append(all, &encoder{kind: k, codec: c})
	}
	return all
}

// Shades implements encode.Decoder.
func (k *Kind) Shades(ctx context.Context, stream []byte) (left, right int, err error) {
	path, err := child.Find(k.program)
	if err != nil {
		return 0, 0, encode.ErrNoDecoder
	}
	seen, err := child.Convert(ctx, child.Command{Program: path, Env: child.Environment(), Args: []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-f", "h264", "-i", "pipe:0",
		"-vf", "scale=2:1:flags=area", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1",
	}}, stream, 1<<10, k.scrub)
	if err != nil {
		return 0, 0, err
	}
	if len(seen) < 2 {
		return 0, 0, errors.New("it cannot be decoded")
	}
	return int(seen[len(seen)-2]), int(seen[len(seen)-1]), nil
}

// An encoder is one of the program's.
type encoder struct {
	kind  *Kind
	codec codec
}

// Name implements encode.Encoder.
func (e *encoder) Name() string { return e.codec.name }

// Class implements encode.Encoder.
func (e *encoder) Class() encode.Class {
	if e.codec.hardware {
		return encode.HardwareChild
	}
	return encode.SoftwareChild
}

// Takes implements encode.Encoder.
func (e *encoder) Takes(encode.Job) error {
	_, err := child.Find(e.kind.program)
	return err
}

// Work implements encode.Encoder.
func (e *encoder) Work(ctx context.Context, job encode.Job, desk encode.Desk) error {
	path, err := child.Find(e.kind.program)
	if err != nil {
		return err
	}
	return pipe.Talk{
		Command: child.Command{Program: path, Args: arguments(e.codec, job), Env: child.Environment()}, Name: "ffmpeg", Scrub: e.kind.scrub,
		Head: ivfStart(job), Wrap: framed,
		Read: func(r io.Reader, emit func(unit []byte, timestamp uint32)) error {
			return new(demuxer).run(r, func(picture []byte, pts uint64) { emit(picture, uint32(pts)) })
		},
	}.Run(ctx, job, desk)
}

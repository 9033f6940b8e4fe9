package encode

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"go.uber.org/zap"
)

const (
	probeTime     = 10 * time.Second // hardware that hangs is hardware that does not work
	probePictures = 8
)

// probe lets an encoder do its work on a few pictures, in the very way in which it would do it for a camera, and looks at the outcome: a
// driver that is there, and even one that answers, may still make nothing, garbage, or video that the room refuses.
func probe(ctx context.Context, program string, e encoder, scrub func(string) string) error {
	ctx, end := context.WithTimeoutCause(ctx, probeTime, fmt.Errorf("it did not finish within %v", probeTime))
	defer end()
	picture, err := probePicture()
	if err != nil {
		return err
	}
	input := ivfStart()
	for i := range probePictures {
		f := frame{data: append(make([]byte, ivfFrameHeader), picture...)}
		f.complete(int64(i) * usualStep)
		input = append(input, f.data...)
	}
	var made [][]byte
	err = exchange(ctx, program, arguments(e, Options{Codec: camera.MJPEG, MaxHeight: 720}), input, scrub, func(out io.Reader) error {
		return new(demuxer).run(out, func(picture []byte, _ uint64) { made = append(made, bytes.Clone(picture)) })
	})
	if err != nil {
		return err
	}
	if err := inspect(made); err != nil {
		return err
	}
	return decodes(ctx, program, made, scrub)
}

// exchange runs program once: input goes in, read takes what comes out.
func exchange(ctx context.Context, program string, args []string, input []byte, scrub func(string) string, read func(io.Reader) error) error {
	c, err := child.Start(child.Command{Program: program, Args: args, Env: child.Environment()})
	if err != nil {
		return err
	}
	said := child.Talk{Log: zap.NewNop(), Scrub: scrub}
	err = c.Converse(ctx,
		func(context.Context) error { return give(c.Stdin, input) },
		func(context.Context) error { return read(c.Stdout) },
		func(ctx context.Context) error { said.Listen(c.Stderr); c.Settle(ctx); return nil })
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case c.End() != nil && said.First() != "":
		return errors.New(said.First()) // what follows are consequences
	case c.End() != nil:
		return errors.New(c.Verdict())
	}
	return err
}

// give writes input and closes w. A child that reads no further says why in other ways.
func give(w io.WriteCloser, input []byte) error {
	_, _ = w.Write(input)
	return w.Close()
}

// probePicture is dark at the left and bright at the right.
func probePicture() ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, 640, 360))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.Gray{Y: 40}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(320, 0, 640, 360), image.NewUniform(color.Gray{Y: 200}), image.Point{}, draw.Src)
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, nil)
	return out.Bytes(), err
}

// inspect looks for what the room needs.
func inspect(pictures [][]byte) error {
	if len(pictures) < probePictures/2 {
		return fmt.Errorf("of %d pictures it made %d", probePictures, len(pictures))
	}
	var found h264.Content
	var format h264.Format
	var err error
	h264.EachAnnexB(pictures[0], func(unit []byte) {
		kind := h264.Look(unit)
		if found |= kind; kind.Has(h264.SPS) {
			format, err = h264.ParseSPS(unit)
		}
	})
	switch {
	case err != nil:
		return err
	case !found.Has(h264.SPS) || !found.Has(h264.PPS) || !found.Has(h264.IDR):
		return errors.New("it does not begin with a key frame and its parameter sets")
	case format.Order() == h264.OrderChanged:
		return errors.New("it makes B-frames")
	}
	return format.Passable()
}

// decodes tells whether the last picture still shows what it should.
func decodes(ctx context.Context, program string, pictures [][]byte, scrub func(string) string) error {
	args := []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-f", "h264", "-i", "pipe:0",
		"-vf", "scale=2:1:flags=area", "-pix_fmt", "gray", "-f", "rawvideo", "pipe:1",
	}
	var seen []byte
	err := exchange(ctx, program, args, bytes.Join(pictures, nil), scrub, func(out io.Reader) (err error) {
		seen, err = io.ReadAll(io.LimitReader(out, 1<<10))
		return err
	})
	if err != nil {
		return fmt.Errorf("decoding what it made: %w", err)
	}
	if len(seen) < 2 {
		return errors.New("what it makes cannot be decoded")
	}
	if dark, bright := int(seen[len(seen)-2]), int(seen[len(seen)-1]); dark > 90 || bright < 150 {
		return fmt.Errorf("its pictures show something else: dark is %d, bright %d", dark, bright)
	}
	return nil
}

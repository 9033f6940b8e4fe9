package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/simulator/internal/child"
	"github.com/overshoot-ai/overshoot-agent/simulator/internal/picture"
)

// Ensure returns the path of the clip in dir and makes it, and dir, when absent. It blocks for seconds when it has to.
func Ensure(ctx context.Context, ffmpeg, dir string, spec Spec) (string, error) {
	path := filepath.Join(dir, spec.FileName())
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making the folder of clips: %w", err)
	}
	return path, Make(ctx, ffmpeg, spec, path)
}

// Make draws the pictures of a clip, has an ffmpeg child code them and puts the result at dst, which appears complete or
// not at all. It blocks until then; when ctx ends the child is killed and Make returns an error.
func Make(ctx context.Context, ffmpeg string, spec Spec, dst string) (err error) {
	if err := spec.check(); err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(dst), filepath.Base(dst)+".*.part")
	if err != nil {
		return fmt.Errorf("making clip %s: %w", spec.Name, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	err = errors.Join(encode(ctx, ffmpeg, spec, temp), temp.Close())
	if err != nil {
		return fmt.Errorf("making clip %s for camera %d: %w", spec.Name, spec.Camera, err)
	}
	return os.Rename(temp.Name(), dst)
}

// encode pipes the pictures through one coder after the other into dst: each size has its own.
func encode(ctx context.Context, ffmpeg string, spec Spec, dst *os.File) error {
	if !spec.Shrinks {
		return encodePart(ctx, ffmpeg, spec, 0, dst)
	}
	first, second := spec, spec
	first.Frames = spec.Frames / 2
	second.Frames = spec.Frames - first.Frames
	second.Width, second.Height = spec.Width/2, spec.Height/2
	if err := encodePart(ctx, ffmpeg, first, 0, dst); err != nil {
		return err
	}
	return encodePart(ctx, ffmpeg, second, first.Frames, dst)
}

// encodePart codes spec.Frames pictures, of which the first is number from.
func encodePart(ctx context.Context, ffmpeg string, spec Spec, from int, dst *os.File) error {
	input, pictures, err := os.Pipe()
	if err != nil {
		return err
	}
	var complaints strings.Builder
	cmd := exec.Command(ffmpeg, encoderArgs(spec)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, dst, &complaints
	coder, err := child.Start(cmd)
	_ = input.Close()
	if err != nil {
		_ = pictures.Close()
		return err
	}
	stop := context.AfterFunc(ctx, coder.Kill)
	defer stop()

	drawErr := errors.Join(draw(pictures, spec, from), pictures.Close())
	<-coder.Done()
	if err := errors.Join(ctx.Err(), coder.Err()); err != nil {
		return fmt.Errorf("ffmpeg: %w: %s", err, strings.TrimSpace(complaints.String()))
	}
	return drawErr
}

// draw writes the pictures to w.
func draw(w io.Writer, spec Spec, from int) error {
	luma := spec.Width * spec.Height
	planes := make([]byte, luma*3/2)
	frame := &image.YCbCr{
		Y: planes[:luma], Cb: planes[luma:][:luma/4], Cr: planes[luma*5/4:],
		YStride: spec.Width, CStride: spec.Width / 2,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: image.Rect(0, 0, spec.Width, spec.Height),
	}
	for n := from; n < from+spec.Frames; n++ {
		picture.Draw(frame, n%picture.CounterPeriod, spec.Camera)
		if _, err := w.Write(planes); err != nil {
			return fmt.Errorf("picture %d: %w", n, err)
		}
	}
	return nil
}

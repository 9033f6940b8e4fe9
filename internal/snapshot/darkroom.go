package snapshot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/child"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
)

const (
	// hands is how many pictures are developed at once, for all cameras.
	hands = 2
	// queueing is how long one may wait for others. Where more is asked of a machine than it can do, H.264 costs nothing.
	queueing = time.Second
	// developing is how long ffmpeg may take. A tenth of it is usual; the rest is for small machines that are busy.
	developing = 3 * time.Second
	// airing is for how long ffmpeg is left alone after it took longer.
	airing = time.Minute
	// maxJPEG is larger than any picture of a camera.
	maxJPEG = 16 << 20
)

// errNotNow says that ffmpeg is not there, has too much to do, or hung a moment ago.
var errNotNow = errors.New("ffmpeg is not at hand")

// A darkroom makes JPEG files of key frames, with one short-lived ffmpeg for each.
type darkroom struct {
	program string
	scrub   func(string) string
	limit   time.Duration // for ffmpeg
	most    int64         // bytes of a file
	hands   chan struct{} // holds a token for each at work
	closed  atomic.Int64  // until then ffmpeg is left alone; Unix nanoseconds
}

func newDarkroom(program string, scrub func(string) string) *darkroom {
	return &darkroom{program: program, scrub: scrub, limit: developing, most: maxJPEG, hands: make(chan struct{}, hands)}
}

// develop returns the JPEG file of a byte stream's first picture. It returns when ctx ends, even where the child cannot be killed.
func (d *darkroom) develop(ctx context.Context, stream []byte) ([]byte, error) {
	path, err := exec.LookPath(d.program) // each time: it may have been installed meanwhile
	if err != nil || time.Now().UnixNano() < d.closed.Load() {
		return nil, errNotNow
	}
	queue := time.NewTimer(queueing)
	defer queue.Stop()
	select {
	case d.hands <- struct{}{}:
	case <-queue.C:
		return nil, errNotNow
	case <-ctx.Done():
		return nil, broken(ctx, ffmpegFailed)
	}
	ctx, end := context.WithTimeoutCause(ctx, d.limit, errSlow)
	defer end()
	var made []byte
	err = beside(ctx, func() (err error) {
		defer func() { <-d.hands }()
		made, err = child.Convert(ctx, child.Command{Program: path, Args: arguments(), Env: child.Environment()}, stream, d.most, d.scrub)
		return err
	})
	switch {
	case ctx.Err() != nil && errors.Is(context.Cause(ctx), errSlow):
		d.closed.Store(time.Now().Add(airing).UnixNano())
		return nil, broken(ctx, ffmpegFailed)
	case ctx.Err() != nil:
		return nil, broken(ctx, ffmpegFailed)
	case err != nil:
		return nil, &failure{ffmpegFailed, fmt.Errorf("making a JPEG of the key frame: %w", err)}
	case !bytes.HasPrefix(made, []byte{0xff, 0xd8}) || !bytes.HasSuffix(made, []byte{0xff, 0xd9}):
		return nil, &failure{ffmpegFailed, errors.New("making a JPEG of the key frame: what ffmpeg made is none")}
	}
	return made, nil
}

// arguments returns ffmpeg's command line. The quality is one at which nobody sees a difference to the key frame.
func arguments() []string {
	return []string{
		"-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-threads", "1", "-f", "h264", "-i", "pipe:0",
		"-an", "-frames:v", "1", "-filter_threads", "1", "-pix_fmt", "yuvj420p", "-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1",
	}
}

// beside runs work on a goroutine of its own and returns when it has, or when ctx ends: then work is left to itself, and what it writes to
// must not be read.
func beside(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	go func() { done <- guard.Run(work) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

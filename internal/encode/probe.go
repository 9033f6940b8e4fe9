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
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/guard"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"go.uber.org/zap"
)

const (
	probeTime     = 10 * time.Second // hardware that hangs is hardware that does not work
	probePictures = 8
	probeForced   = 4 // the picture in the middle that shall be a key frame
	probeWidth    = 640
	probeHeight   = 360
)

// try begins a trial, with pictures of a codec, or of any if that is "". It comes to its end even when who asked for it is gone: a camera that waits
// for an encoder shows nothing, and its watchdog ends the session sooner than the trial of one that hangs.
func (e *Encoders) try(each Encoder, codec camera.Codec) *outcome {
	return attempt(func() error {
		ctx, end := context.WithTimeoutCause(context.Background(), probeTime, fmt.Errorf("it did not finish within %v", probeTime))
		defer end()
		return e.probe(ctx, each, codec)
	})
}

// probe lets an encoder do its work on a few pictures, in the very way in which it would do it for a camera, and looks at the outcome: a
// driver that is there, and even one that answers, may still make nothing, garbage, or video that the room refuses.
func (e *Encoders) probe(ctx context.Context, each Encoder, codec camera.Codec) error {
	job := Job{Width: probeWidth, Height: probeHeight, MaxHeight: 720, Bitrate: 1_000_000, Log: zap.NewNop()}
	picture, err := job.sample(each, codec)
	if err != nil {
		return err
	}
	r := &rehearsal{picture: picture}
	work := attempt(func() error { return each.Work(ctx, job, r) })
	select {
	case <-work.over:
	case <-ctx.Done():
		if !work.within(each.Class()) {
			e.leave(each.Name(), work)
		}
		return context.Cause(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case work.err != nil:
		return brief(work.err)
	}
	made, keys := r.outcome()
	if err := inspect(made); err != nil {
		return err
	}
	if each.Class().Inside() && !keys[probeForced*usualStep] {
		return errors.New("it makes no key frame when it is asked for one")
	}
	return e.decodes(ctx, made)
}

// brief shortens what a list of encoders shall not repeat for each.
func brief(err error) error {
	if b, ok := errors.AsType[Briefer](err); ok {
		return errors.New(b.Brief())
	}
	if p, ok := errors.AsType[*guard.Panic](err); ok {
		return fmt.Errorf("it panicked: %v", p.Value)
	}
	return err
}

// sample sets the codec for a trial, and returns a picture that is dark at the left and bright at the right.
func (j *Job) sample(of Encoder, codec camera.Codec) ([]byte, error) {
	codecs := []camera.Codec{codec}
	if codec == "" {
		codecs = []camera.Codec{camera.MJPEG, camera.I420, camera.NV12, camera.YUYV}
	}
	var err error
	for _, j.Codec = range codecs {
		if err = of.Takes(*j); err == nil {
			return halves(j.Codec)
		}
	}
	return nil, err
}

func halves(c camera.Codec) ([]byte, error) {
	img := image.NewGray(image.Rect(0, 0, probeWidth, probeHeight))
	draw.Draw(img, img.Bounds(), image.NewUniform(color.Gray{Y: 40}), image.Point{}, draw.Src)
	draw.Draw(img, image.Rect(probeWidth/2, 0, probeWidth, probeHeight), image.NewUniform(color.Gray{Y: 200}), image.Point{}, draw.Src)
	const grey = 128
	switch c {
	case camera.YUYV:
		var out []byte
		for _, y := range img.Pix {
			out = append(out, y, grey)
		}
		return out, nil
	case camera.I420, camera.NV12:
		return append(img.Pix, bytes.Repeat([]byte{grey}, len(img.Pix)/2)...), nil
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, img, nil)
	return out.Bytes(), err
}

// A rehearsal is the Desk of a trial.
type rehearsal struct {
	picture []byte
	given   int

	mu   sync.Mutex
	made [][]byte
	keys map[uint32]bool // by timestamp
}

// Take implements Desk.
func (r *rehearsal) Take(ctx context.Context) *Frame {
	if r.given == probePictures || ctx.Err() != nil {
		return nil
	}
	f := NewFrame(r.picture, int64(r.given)*usualStep, r.given%probeForced == 0)
	r.given++
	return f
}

// Emit implements Desk.
func (r *rehearsal) Emit(unit []byte, timestamp uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, bytes.Clone(unit))
	if r.keys == nil {
		r.keys = make(map[uint32]bool)
	}
	h264.EachAnnexB(unit, func(unit []byte) { r.keys[timestamp] = r.keys[timestamp] || h264.Look(unit).Has(h264.IDR) })
}

// Skip implements Desk.
func (r *rehearsal) Skip() {}

// Meter implements Desk.
func (r *rehearsal) Meter(func() time.Duration) {}

func (r *rehearsal) outcome() (made [][]byte, keys map[uint32]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made, r.keys
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

// decodes tells whether the last picture still shows what it should, where there is a decoder.
func (e *Encoders) decodes(ctx context.Context, pictures [][]byte) error {
	if e.decoder == nil {
		return nil
	}
	dark, bright, err := e.decoder.Shades(ctx, bytes.Join(pictures, nil))
	switch {
	case errors.Is(err, ErrNoDecoder):
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return fmt.Errorf("decoding what it made: %w", err)
	case dark > 90 || bright < 150:
		return fmt.Errorf("its pictures show something else: dark is %d, bright %d", dark, bright)
	}
	return nil
}

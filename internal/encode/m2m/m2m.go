// Package m2m makes H.264 with a device that Linux knows as a stateful memory-to-memory encoder, in this process: pictures go into buffers of its
// driver, and what it made comes out of others. A Raspberry Pi 0 to 4 has one (/dev/video11, bcm2835-codec), and so have many boards with
// processors of Qualcomm, NXP, Samsung and others. How it is done is written down in the kernel's "Memory-to-Memory Stateful Video Encoder
// Interface".
//
// It takes pictures as a sensor gives them, as long as the device takes their format: nothing is converted on the way but the padding of lines.
// Not one call to the driver waits; what has to be waited for is waited for by poll, which the end of the context interrupts.
package m2m

import (
	"context"
	"errors"
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// A Kind is the encoder that this machine may have. It implements encode.Kind.
type Kind struct{ coded v4l2.FourCC }

// New returns it. Whether it is there is found out by Work.
func New() *Kind { return &Kind{coded: v4l2.H264} }

// Encoders implements encode.Kind.
func (k *Kind) Encoders() []encode.Encoder { return []encode.Encoder{encoder{coded: k.coded}} }

type encoder struct{ coded v4l2.FourCC }

// Name implements encode.Encoder.
func (encoder) Name() string { return "v4l2m2m" }

// Class implements encode.Encoder.
func (encoder) Class() encode.Class { return encode.HardwareInside }

// Takes implements encode.Encoder.
func (encoder) Takes(job encode.Job) error {
	switch _, ok := fourCC(job.Codec); {
	case !ok:
		return fmt.Errorf("it has no decoder of %s", job.Codec)
	case job.Shrinks(job.Height):
		return fmt.Errorf("it does not make pictures smaller, and these have %d lines where max_height is %d", job.Height, job.MaxHeight)
	}
	return nil
}

// fourCC is what the kernel calls pictures of a codec.
func fourCC(c camera.Codec) (v4l2.FourCC, bool) {
	switch c {
	case camera.YUYV:
		return v4l2.YUYV, true
	case camera.NV12:
		return v4l2.NV12, true
	case camera.I420:
		return v4l2.I420, true
	}
	return 0, false
}

// Work implements encode.Encoder. What cannot be changed while the device encodes takes another session of it, which begins with the picture in
// hand.
func (e encoder) Work(ctx context.Context, job encode.Job, desk encode.Desk) error {
	var clock encode.ThreadClock // what collects does nothing that counts
	defer clock.Start()()
	desk.Meter(clock.Used)
	r := encode.NewRate()
	var inHand *encode.Frame
	for {
		c, err := open(e.coded, job, r.Assumed)
		if err != nil {
			return err
		}
		s := newSession(c, desk, &r, inHand)
		err = s.run(ctx)
		closing := c.close()
		switch {
		case err == nil:
			return closing
		case !errors.Is(err, errAnew):
			return err
		case closing != nil:
			return closing
		}
		inHand = s.inHand
	}
}

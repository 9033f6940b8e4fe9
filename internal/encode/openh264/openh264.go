// Package openh264 makes H.264 in this process with Cisco's openh264, which github.com/pion/mediadevices brings along as a static library. It is
// there in builds with cgo for amd64, arm64 and armv7 only; in others it says so.
//
// It takes pictures as a sensor gives them, and JPEG. Nothing of it goes through pipes, but JPEG is decoded by Go, which costs more than ffmpeg
// does. It does not make pictures smaller.
package openh264

import (
	"context"
	"errors"
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/encode"
)

// A Kind is the library. It implements encode.Kind.
type Kind struct{}

// New returns the library.
func New() *Kind { return &Kind{} }

// Encoders implements encode.Kind.
func (*Kind) Encoders() []encode.Encoder { return []encode.Encoder{encoder{}} }

type encoder struct{}

// Name implements encode.Encoder.
func (encoder) Name() string { return "openh264" }

// Class implements encode.Encoder.
func (encoder) Class() encode.Class { return encode.SoftwareInside }

// Takes implements encode.Encoder.
func (encoder) Takes(job encode.Job) error {
	switch {
	case !included:
		return errors.New("it is not in this build of the agent, which is without cgo")
	case !job.Codec.Single():
		return fmt.Errorf("it has no decoder of %s", job.Codec)
	}
	return fits(job, job.Height)
}

// fits tells why not, where pictures have so many lines.
func fits(job encode.Job, height int) error {
	if job.Shrinks(height) {
		return fmt.Errorf("it does not make pictures smaller, and these have %d lines where max_height is %d", height, job.MaxHeight)
	}
	return nil
}

// Work implements encode.Encoder.
func (encoder) Work(ctx context.Context, job encode.Job, desk encode.Desk) error {
	var clock encode.ThreadClock
	defer clock.Start()()
	desk.Meter(clock.Used)
	w := &worker{job: job, desk: desk, rate: encode.NewRate()}
	if job.Codec == camera.MJPEG {
		w.tables = standardTables()
	}
	defer w.close()
	return w.run(ctx)
}

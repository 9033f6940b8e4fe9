package m2m

import (
	"errors"
	"fmt"

	"github.com/overshoot-ai/overshoot-agent/internal/encode"
	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"go.uber.org/zap"
)

const (
	inputs  = 2 // one that is encoded, and one that waits: more would only make pictures late
	outputs = 4
	// longGroup is how many pictures the device may let pass without a key frame by itself. All that are needed are asked for.
	longGroup = 3000
)

// A coder is an open device with its queues, which run. It belongs to one session.
type coder struct {
	device *v4l2.Device
	in     *v4l2.OutputQueue
	out    *v4l2.CaptureQueue
	layout layout // of the pictures in its buffers
	coded  v4l2.FourCC
	forces bool // it makes key frames when it is asked for one
}

// open makes a device ready for a job, with so many pictures a second.
func open(coded v4l2.FourCC, job encode.Job, rate float64) (*coder, error) {
	raw, ok := fourCC(job.Codec)
	if !ok {
		return nil, fmt.Errorf("it has no decoder of %s", job.Codec)
	}
	d, err := find(coded, raw)
	if err != nil {
		return nil, err
	}
	job.Log.Debug("encoding with a device", zap.String("device", d.Path()), zap.String("name", d.Info().Card))
	c := &coder{device: d, coded: coded}
	if err := c.prepare(raw, job, rate); err != nil {
		return nil, errors.Join(fmt.Errorf("preparing %s: %w", d.Info().Card, err), d.Close())
	}
	return c, nil
}

func (c *coder) close() error { return c.device.Close() }

// prepare does all in the order that the kernel's documents give. bcm2835-codec sets up its firmware with the first buffers, and what is set by then
// counts.
func (c *coder) prepare(raw v4l2.FourCC, job encode.Job, rate float64) error {
	if err := c.setFormats(raw, job); err != nil {
		return err
	}
	interval := v4l2.Fraction{Numerator: 1000, Denominator: uint32(rate * 1000)}
	if _, err := c.device.SetInputInterval(interval); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	if err := c.control(job.Bitrate); err != nil {
		return err
	}
	return c.start()
}

// setFormats agrees with the device on both sides. Its pictures may be larger, for it works in blocks; then it is told what is to be seen of them.
func (c *coder) setFormats(raw v4l2.FourCC, job encode.Job) error {
	want := v4l2.Size{Width: job.Width, Height: job.Height}
	room := v4l2.Plane{Size: max(1<<18, want.Width*want.Height)} // for what no sane bitrate makes of a picture: it must not be cut
	coded, err := c.device.SetFormat(v4l2.Capture,
		v4l2.Format{FourCC: c.coded, Width: want.Width, Height: want.Height, Planes: []v4l2.Plane{room}})
	if err != nil {
		return err
	}
	got, err := c.device.SetFormat(v4l2.Output, v4l2.Format{FourCC: raw, Width: want.Width, Height: want.Height})
	if err != nil {
		return err
	}
	if coded.FourCC != c.coded || got.FourCC != raw || got.Width < want.Width || got.Height < want.Height {
		return fmt.Errorf("it does not take %v of %dx%d, but %v of %dx%d", raw, want.Width, want.Height, got.FourCC, got.Width, got.Height)
	}
	if got.Width != want.Width || got.Height != want.Height {
		if seen, err := c.device.SetCrop(v4l2.Output, want); err != nil || seen != want {
			return errors.Join(fmt.Errorf("its pictures would have %dx%d instead of %dx%d", got.Width, got.Height, want.Width, want.Height), err)
		}
	}
	c.layout, err = layoutOf(got, want)
	return err
}

// control sets what can be set: no device has everything. What came out of it is looked at by whoever tries the encoder.
func (c *coder) control(bitrate int) error {
	const constantBitrate, constrainedBaseline = 1, 1
	for _, s := range []v4l2.Setting{
		{ID: v4l2.ControlBitrateMode, Value: constantBitrate},
		{ID: v4l2.ControlFrameRateCtrl, Value: 1},
		{ID: v4l2.ControlBitrate, Value: int32(bitrate)},
		{ID: v4l2.ControlH264Profile, Value: constrainedBaseline},
		{ID: v4l2.ControlBFrames, Value: 0},
		{ID: v4l2.ControlGroupSize, Value: longGroup},
		{ID: v4l2.ControlH264Period, Value: longGroup},
	} {
		info, err := c.device.ControlInfo(s.ID)
		if errors.Is(err, errors.ErrUnsupported) || err == nil && (info.Disabled || info.ReadOnly) {
			continue
		}
		if err == nil {
			err = c.device.SetControl(s.ID, min(max(s.Value, info.Min), info.Max))
		}
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			return err
		}
	}
	_, err := c.device.ControlInfo(v4l2.ControlForceKeyFrame)
	c.forces = err == nil
	return nil
}

func (c *coder) start() (err error) {
	if c.in, err = c.device.OutputQueue(inputs); err != nil {
		return err
	}
	if c.out, err = c.device.CaptureQueue(outputs); err != nil {
		return err
	}
	if err := c.in.Start(); err != nil {
		return err
	}
	return c.out.Start()
}

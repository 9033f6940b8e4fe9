package v4l2

import (
	"errors"
	"fmt"
)

// SetInterval asks for the time from one picture to the next and returns what the driver made of it. The error is errors.ErrUnsupported where
// the device has only one pace of its own: pictures come all the same.
func (d *Device) SetInterval(f Fraction) (Fraction, error) {
	return d.setInterval(Capture, f)
}

// SetInputInterval tells an encoder how fast pictures will come, for its bitrate. Errors as of SetInterval.
func (d *Device) SetInputInterval(f Fraction) (Fraction, error) {
	return d.setInterval(Output, f)
}

func (d *Device) setInterval(s Side, f Fraction) (Fraction, error) {
	const timePerFrame = 0x1000 // V4L2_CAP_TIMEPERFRAME
	p := streamParameters{Kind: d.kind(s)}
	if err := call(d, getParm, &p); err != nil {
		return Fraction{}, fmt.Errorf("%w: %w", errors.ErrUnsupported, err)
	}
	if p.Capability&timePerFrame == 0 {
		return Fraction{}, fmt.Errorf("%s: the interval of pictures: %w", d.path, errors.ErrUnsupported)
	}
	p.Interval = f
	if err := call(d, setParm, &p); err != nil {
		return Fraction{}, err
	}
	return p.Interval, nil
}

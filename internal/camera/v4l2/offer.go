package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	kernel "github.com/overshoot-ai/overshoot-agent/internal/v4l2"
	"golang.org/x/sys/unix"
)

// An offer is what a device says it can deliver.
type offer struct {
	modes   []mode   // of kinds of pictures that this source understands
	foreign []string // the names of other kinds
}

// offerOf asks a device what it can deliver in its formats. A device that lists no sizes of a format is taken to have the one that is wished for, and one that
// lists no rates to have some; what it really has is seen when it is set.
func offerOf(d *kernel.Device, formats []kernel.FormatDescription, w wish) (offer, error) {
	var o offer
	for _, f := range formats {
		p, known := pixelOf(f.FourCC)
		if !known {
			o.foreign = append(o.foreign, f.FourCC.String())
			continue
		}
		modes, err := modesOf(d, p, w)
		if err != nil {
			return o, err
		}
		o.modes = append(o.modes, modes...)
	}
	return o, nil
}

func modesOf(d *kernel.Device, p pixel, w wish) (modes []mode, err error) {
	sizes, err := d.Sizes(p.code)
	if err != nil && !silent(err) {
		return nil, err
	}
	wanted := kernel.Size{Width: w.size.width, Height: w.size.height}
	if len(sizes) == 0 {
		sizes = []kernel.SizeRange{{Min: wanted, Max: wanted}}
	}
	for _, r := range sizes {
		nearest := r.Nearest(wanted)
		if nearest.Width < 1 || nearest.Height < 1 {
			continue // makes no sense
		}
		intervals, err := d.Intervals(p.code, nearest)
		if err != nil && !silent(err) {
			return nil, err
		}
		modes = append(modes, mode{pixel: p, size: size{nearest.Width, nearest.Height}, rates: ratesOf(intervals)})
	}
	return modes, nil
}

// ratesOf turns times between pictures into rates.
func ratesOf(intervals []kernel.IntervalRange) (rates []span) {
	for _, r := range intervals {
		slow, fast := r.Max.Rate(), r.Min.Rate() // the shortest time is the fastest rate
		if slow > 0 && fast >= slow {
			rates = append(rates, span{slow, fast})
		}
	}
	return rates
}

// silent tells that a driver does not answer a question at all, which is no failure.
func silent(err error) bool {
	return errors.Is(err, unix.ENOTTY) || errors.Is(err, unix.EINVAL)
}

// setUp sets the device to what comes nearest to the wish, and returns what the driver made of it: only that counts. What a device refuses
// although it lists it is passed over.
func setUp(d *kernel.Device, w wish, o offer) (choice, error) {
	for _, c := range w.candidates(o) {
		f, err := d.SetFormat(kernel.Capture, kernel.Format{FourCC: c.pixel.code, Width: c.size.width, Height: c.size.height})
		if err != nil && !silent(err) {
			return choice{}, err
		}
		p, known := pixelOf(f.FourCC)
		if err == nil && known && p.wanted(w.format) && credible(f) {
			c.pixel, c.size, c.stride = p, size{f.Width, f.Height}, f.Planes[0].Stride
			c.fps, err = setRate(d, w, c)
			return c, err
		}
	}
	return choice{}, o.unusable(w)
}

// credible tells whether pictures can be as a driver says. The numbers are multiplied later, on boards with 32 bits as well.
func credible(f kernel.Format) bool {
	const bytes = 4 // of a pixel, and twice what a line needs
	return len(f.Planes) == 1 && min(f.Width, f.Height) > 1 && max(f.Width, f.Height) <= maxSide && f.Planes[0].Stride <= bytes*maxSide
}

// candidates are what to ask a device for, the best first: of each kind of pictures what comes nearest. A device that says nothing of what it
// has is asked for all that we know.
func (w wish) candidates(o offer) (all []choice) {
	modes := o.modes
	if len(o.modes)+len(o.foreign) == 0 {
		for _, p := range pixels {
			modes = append(modes, mode{pixel: p, size: w.size})
		}
	}
	for {
		c, ok := w.choose(modes)
		if !ok {
			return all
		}
		all = append(all, c)
		modes = slices.DeleteFunc(slices.Clone(modes), func(m mode) bool { return m.pixel == c.pixel })
	}
}

// setRate sets how fast pictures come, and returns what came of it, 0 where the device goes at a pace of its own.
func setRate(d *kernel.Device, w wish, c choice) (float64, error) {
	fps := c.fps
	if fps == 0 {
		fps = w.fps
	}
	const thousandths = 1000 // rates such as 29.97 and 7.5
	// A driver may say anything, and a person too.
	denominator := uint32(max(1, min(fps*thousandths+0.5, math.MaxInt32)))
	got, err := d.SetInterval(kernel.Fraction{Numerator: thousandths, Denominator: denominator})
	if errors.Is(err, errors.ErrUnsupported) || silent(err) {
		return 0, nil
	}
	return got.Rate(), err
}

// unusable says that nothing of what the device offers is of use.
func (o offer) unusable(w wish) error {
	has := slices.Clone(o.foreign)
	refused := len(o.modes)+len(o.foreign) == 0
	for _, m := range o.modes {
		has = append(has, m.pixel.code.String())
		refused = refused || m.pixel.wanted(w.format)
	}
	slices.Sort(has)
	list := strings.Join(slices.Compact(has), ", ")
	f := &camera.Fault{Reason: camera.WrongCodec}
	switch {
	case refused:
		f.Err = fmt.Errorf("the camera lists %s, and refuses all that we know", cmp.Or(list, "no format"))
		f.Advice = throughAProgram
	case len(o.modes) > 0:
		f.Err, f.Advice = fmt.Errorf("the camera has no %s: it has %s", w.format, list), "write `format: auto`"
	default:
		f.Err, f.Advice = fmt.Errorf("the camera has %s, and nothing that we know", list), throughAProgram
	}
	return f
}

// throughAProgram is how to use cameras of boards, whose pictures need more than a driver before they can be looked at.
const throughAProgram = "cameras on a board's own connector (CSI) need a program that knows them: " +
	"use `type: exec` with rpicam-vid on a Raspberry Pi, GStreamer on a Jetson"

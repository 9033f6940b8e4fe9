package m2m

import (
	"errors"
	"fmt"
	"slices"

	"github.com/overshoot-ai/overshoot-agent/internal/v4l2"
)

// find opens the first device that makes coded pictures of raw ones. Webcams stay closed, for opening one wakes it.
func find(coded, raw v4l2.FourCC) (*v4l2.Device, error) {
	nodes, err := v4l2.Scan()
	if err != nil {
		return nil, err
	}
	none := fmt.Errorf("this machine shows no V4L2 device that makes %v of %v", coded, raw)
	for _, n := range nodes {
		if n.Info.Driver == "uvcvideo" {
			continue
		}
		switch d, err := openIf(n.Path, coded, raw); {
		case err != nil:
			none = fmt.Errorf("%w; %w", none, err)
		case d != nil:
			return d, nil
		}
	}
	return nil, none
}

// openIf opens a device if it is an encoder of coded pictures. It returns nil where it is something else, and an error where it cannot be opened, or
// is one and does not take the raw ones.
func openIf(path string, coded, raw v4l2.FourCC) (*v4l2.Device, error) {
	d, err := v4l2.Open(path)
	switch {
	case err != nil:
		return nil, err
	case !d.Info().Caps.M2M(), !offers(d, v4l2.Capture, coded):
		return nil, d.Close()
	case !offers(d, v4l2.Output, raw):
		return nil, errors.Join(fmt.Errorf("%s (%s) does not take %v", path, d.Info().Card, raw), d.Close())
	}
	return d, nil
}

func offers(d *v4l2.Device, side v4l2.Side, f v4l2.FourCC) bool {
	all, _ := d.Formats(side)
	return slices.ContainsFunc(all, func(each v4l2.FormatDescription) bool { return each.FourCC == f })
}

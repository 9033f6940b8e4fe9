//go:build cgo && (amd64 || arm64 || arm)

package openh264

import (
	"errors"
	"image"

	"github.com/pion/mediadevices/pkg/codec"
	library "github.com/pion/mediadevices/pkg/codec/openh264"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"
)

// included tells whether the library is in this build.
const included = true

// cisco is the library's encoder, which pulls its pictures: encode puts one where it looks.
type cisco struct {
	out  codec.ReadCloser
	keys codec.KeyFrameController
	next *image.YCbCr
}

// open makes an encoder of constrained baseline with one thread: more make the camera no faster, and cost more. It is told when to make a key frame,
// and makes others where the scene changes; parameter sets come before each.
func open(width, height, bitrate int, rate float64) (coder, error) {
	settings, err := library.NewParams()
	if err != nil {
		return nil, err
	}
	settings.BitRate, settings.IntraPeriod = bitrate, 0
	settings.MultipleThreadIdc, settings.SliceMode = 1, library.SMSingleSlice
	c := &cisco{}
	pictures := video.ReaderFunc(func() (image.Image, func(), error) { return c.next, func() {}, nil })
	media := prop.Media{Video: prop.Video{Width: width, Height: height, FrameRate: float32(rate)}}
	if c.out, err = settings.BuildVideoEncoder(pictures, media); err != nil {
		return nil, err
	}
	keys, ok := c.out.Controller().(codec.KeyFrameController)
	if !ok {
		c.close()
		return nil, errors.New("it makes no key frames on demand")
	}
	c.keys = keys
	return c, nil
}

func (c *cisco) encode(picture *image.YCbCr, key bool) ([]byte, error) {
	c.next = picture
	if key {
		if err := c.keys.ForceKeyFrame(); err != nil {
			return nil, err
		}
	}
	unit, release, err := c.out.Read()
	if err != nil {
		return nil, err
	}
	defer release()
	return unit, nil
}

func (c *cisco) close() { _ = c.out.Close() } // it is of no use any more, whatever it says

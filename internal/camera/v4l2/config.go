package v4l2

import (
	"errors"
	"fmt"
	"strings"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// Config is the section of a USB or SoC camera. Only the device must be given.
type Config struct {
	Device string  `yaml:"device"` // a link below /dev/v4l/by-id or by-path, or /dev/videoN
	Width  int     `yaml:"width"`  // pixels; 1280x720 by default
	Height int     `yaml:"height"` //
	FPS    float64 `yaml:"fps"`    // pictures a second; 15 by default: twice as many cost an encoder twice as much, and no prompt sees them
	Format Format  `yaml:"format"` // what the camera is to send; auto by default

	// Controls are set when the device is opened, by the names that `v4l2-ctl --list-ctrls` shows, such as power_line_frequency.
	Controls map[string]int `yaml:"controls"`
}

// The most that may be asked for: more is a slip of the pen.
const (
	maxSide = 16384
	maxFPS  = 240
)

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Width: 1280, Height: 720, FPS: 15, Format: Auto}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	c.Device = strings.TrimSpace(c.Device)
	if c.Device == "" {
		return c, s.Problemf("device", "is missing; write the camera's link below /dev/v4l/by-id, `overshoot-agent discover` lists them")
	}
	if !strings.HasPrefix(c.Device, "/") {
		return c, s.Problemf("device", "found %q, which is no path of a device; write /dev/v4l/by-id/… or /dev/videoN", c.Device)
	}
	if err := c.checkSize(s); err != nil {
		return c, err
	}
	if c.FPS <= 0 || c.FPS > maxFPS {
		return c, s.Problemf("fps", "found %v; write pictures a second, more than 0 and at most %d", c.FPS, maxFPS)
	}
	return c, nil
}

func (c *Config) checkSize(s config.Section) error {
	for _, side := range []struct {
		key, other string
		pixels     int
	}{{"width", "height", c.Width}, {"height", "width", c.Height}} {
		switch {
		case s.Has(side.key) && !s.Has(side.other):
			return s.Problemf(side.key, "stands alone; write %s as well, or neither for 1280x720", side.other)
		case side.pixels < 1 || side.pixels > maxSide:
			return s.Problemf(side.key, "found %d; write pixels, 1 to %d", side.pixels, maxSide)
		}
	}
	return nil
}

// Format says what a camera is to send.
type Format string

// The formats.
const (
	Auto  Format = "auto"  // H.264 where the camera makes it, else raw pictures where they come fast enough, else MJPEG
	H264  Format = "h264"  // passed through
	MJPEG Format = "mjpeg" // small on the bus, dear to encode anew
	YUYV  Format = "yuyv"  // raw, 16 bits a pixel
	NV12  Format = "nv12"  // raw, 12 bits a pixel
	I420  Format = "i420"  // the same in three planes
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(text []byte) error {
	switch *f = Format(text); *f {
	case Auto, H264, MJPEG, YUYV, NV12, I420:
		return nil
	}
	return errors.New("write auto, h264, mjpeg, yuyv, nv12 or i420")
}

// wish is what the settings ask of the device.
func (c Config) wish() wish {
	return wish{format: c.Format, size: size{c.Width, c.Height}, fps: c.FPS}
}

func (w wish) String() string {
	text := fmt.Sprintf("%s at %s", w.size, rateText(w.fps))
	if w.format != Auto {
		text = string(w.format) + " " + text
	}
	return text
}

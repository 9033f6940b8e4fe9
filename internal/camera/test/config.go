package test

import "github.com/overshoot-ai/overshoot-agent/internal/config"

// Config is the section of the moving pattern.
type Config struct {
	Width  int     `yaml:"width"`  // pixels; 640 by default
	Height int     `yaml:"height"` // pixels; 360 by default
	FPS    float64 `yaml:"fps"`    // pictures per second; 15 by default
}

// Below this the digits would not fit, above it a picture costs more than a trial is worth.
const (
	minWidth, maxWidth   = 160, 1920
	minHeight, maxHeight = 90, 1080
	minFPS, maxFPS       = 0.1, 60
)

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Width: 640, Height: 360, FPS: 15}
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	for _, side := range []struct {
		key              string
		found, low, high int
	}{{"width", c.Width, minWidth, maxWidth}, {"height", c.Height, minHeight, maxHeight}} {
		if side.found < side.low || side.found > side.high || side.found%2 != 0 {
			return c, s.Problemf(side.key, "found %d; write an even number from %d to %d", side.found, side.low, side.high)
		}
	}
	if c.FPS < minFPS || c.FPS > maxFPS {
		return c, s.Problemf("fps", "found %v; write a number from %v to %v", c.FPS, minFPS, maxFPS)
	}
	return c, nil
}

package file

import "github.com/overshoot-ai/overshoot-agent/internal/config"

// Config is the section of a clip that is a camera.
type Config struct {
	Path string  `yaml:"path"` // counts from the folder of the configuration file
	FPS  float64 `yaml:"fps"`  // pictures per second, of clips without a clock: byte streams and rows of JPEG files
}

// Slower than minFPS a player would take for a gap in the clip, see maxStep.
const minFPS, maxFPS = 0.1, 240

// Decode reads and checks a section. Its errors name the place in the file. The clip itself is looked at when it is played.
func Decode(s config.Section) (Config, error) {
	var c Config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Path == "" {
		return c, s.Problemf("path", "names no file; write the path of a clip, as path: clips/yard.mp4")
	}
	if s.Has("fps") && (c.FPS < minFPS || c.FPS > maxFPS) {
		return c, s.Problemf("fps", "found %v; write how many pictures a second to play, from %v to %v, such as 25", c.FPS, minFPS, maxFPS)
	}
	c.Path = s.Path(c.Path)
	return c, nil
}

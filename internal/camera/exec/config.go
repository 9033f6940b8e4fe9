package exec

import (
	"errors"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// Config is the section of a program that is a camera.
type Config struct {
	Command []string                 `yaml:"command"` // the program and its arguments, word by word; no shell is involved
	Format  Format                   `yaml:"format"`  // of what it writes; found out by default
	FPS     float64                  `yaml:"fps"`     // pictures per second of a byte stream, as a start; later they are measured
	Env     map[string]secret.Secret `yaml:"env"`     // beside what every program gets, see child.Environment
	Dir     string                   `yaml:"dir"`     // where it starts; the folder of the configuration file by default
	Timeout config.Duration          `yaml:"timeout"` // for the first video; 20s by default
}

const maxFPS = 240

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Format: Auto, Timeout: config.Duration(20 * time.Second), Dir: "."}
	if err := s.Decode(&c); err != nil {
		return c, explain(err)
	}
	if err := c.checkCommand(s); err != nil {
		return c, err
	}
	for name, value := range c.Env {
		if name == "" || strings.ContainsAny(name, "=\x00") || strings.Contains(value.Reveal(), "\x00") {
			if before, _, more := strings.Cut(name, "="); more {
				name = before + "=…" // a value, which may be secret
			}
			return c, s.Problemf("env", "found the name %q; write names as NAME, and values without zero bytes", name)
		}
	}
	if s.Has("fps") && (c.FPS <= 0 || c.FPS > maxFPS) {
		return c, s.Problemf("fps", "found %v; write how many pictures a second the program gives, such as 30", c.FPS)
	}
	if c.Timeout < config.Duration(time.Second) {
		return c, s.Problemf("timeout", "found %s; write 1s or more", c.Timeout)
	}
	c.Dir = s.Path(c.Dir)
	return c, nil
}

func (c *Config) checkCommand(s config.Section) error {
	if len(c.Command) == 0 || c.Command[0] == "" {
		return s.Problemf("command", "names no program; write it as a list, "+example)
	}
	for _, word := range c.Command {
		if strings.Contains(word, "\x00") {
			return s.Problemf("command", "found a zero byte; no program can be given one")
		}
	}
	if strings.Contains(c.Command[0], "/") {
		c.Command[0] = s.Path(c.Command[0])
	}
	return nil
}

const example = "program and arguments word by word: [rpicam-vid, -t, 0, -o, -]; or [sh, -c, \"…\"] for a line of the shell"

// explain says what a list is to those who wrote the command as one text.
func explain(err error) error {
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		return err
	}
	for i, p := range problems {
		if before, _, is := strings.Cut(p.Text, "; write a list"); is {
			problems[i].Text = before + "; write a list, " + example
		}
	}
	return problems
}

// Format says what a program writes.
type Format string

// The formats.
const (
	Auto   Format = "auto"
	H264   Format = "h264"   // a byte stream (ITU-T H.264 annex B)
	H265   Format = "h265"   // a byte stream (ITU-T H.265 annex B)
	MPEGTS Format = "mpegts" // with H.264 or H.265
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (f *Format) UnmarshalText(text []byte) error {
	switch *f = Format(text); *f {
	case Auto, H264, H265, MPEGTS:
		return nil
	}
	return errors.New("write auto, h264, h265 or mpegts")
}

// codec is that of a byte stream, "" where it is to be found out.
func (f Format) codec() camera.Codec {
	return map[Format]camera.Codec{H264: camera.H264, H265: camera.H265}[f]
}

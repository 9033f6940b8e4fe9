package file

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// Config is the section of a file sink.
type Config struct {
	// Path of the file; folders are made when they are missing. {camera}, {watch} and {date} (UTC) make it several files.
	Path   string `yaml:"path"`
	Rotate Rotate `yaml:"rotate"`

	layout layout
}

// Rotate says when a file is put aside under a name with the time in it, and what becomes of those put aside.
type Rotate struct {
	Size  Size            `yaml:"size"`  // before it would become larger; 0: never
	Every config.Duration `yaml:"every"` // at each whole multiple of it in UTC: 1h is at the full hour, 1d at midnight; 0: never
	Keep  int             `yaml:"keep"`  // how many stay, for each path; 0: all
	Gzip  bool            `yaml:"gzip"`
}

// Limits of settings.
const (
	minSize  = 64 << 10
	minEvery = config.Duration(time.Minute)
)

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	var c Config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Path == "" {
		return c, s.Problemf("path", "is missing: name the file to write, such as /var/lib/overshoot-agent/results/results.jsonl")
	}
	var err error
	if c.layout, err = parseLayout(c.Path); err != nil {
		return c, s.Problemf("path", "%s", err)
	}
	return c, c.checkRotate(s)
}

func (c *Config) checkRotate(s config.Section) error {
	r := c.Rotate
	switch {
	case r.Size != 0 && r.Size < minSize:
		return s.Problemf("rotate", "found size %s; write 64KiB or more, or leave it out", r.Size)
	case r.Every != 0 && r.Every < minEvery:
		return s.Problemf("rotate", "found every: %s; write %s or more, or leave it out", r.Every, minEvery)
	case r.Keep < 0:
		return s.Problemf("rotate", "found keep: %d; write how many files stay, or leave it out to keep all", r.Keep)
	case r.Size == 0 && r.Every == 0 && (r.Keep != 0 || r.Gzip):
		return s.Problemf("rotate", "never happens; write size or every beside keep and gzip")
	}
	return nil
}

// Size is a number of bytes, written with a unit: 500KB, 64MiB, 2GiB.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range units {
		number, found := strings.CutSuffix(string(text), unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 63)
		if err != nil || int64(n) > math.MaxInt64/unit.bytes {
			break
		}
		*s = Size(int64(n) * unit.bytes)
		return nil
	}
	return errors.New("write a whole number with a unit, such as 64MiB")
}

// String returns the number of bytes in the largest unit that it is a multiple of.
func (s Size) String() string {
	for i := 2; i >= 0; i-- {
		if n := int64(s); n != 0 && n%units[i].bytes == 0 {
			return fmt.Sprint(n/units[i].bytes, units[i].name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

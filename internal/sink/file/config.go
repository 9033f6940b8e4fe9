package file

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// Config is the section of a file sink.
type Config struct {
	// Path of the file; folders are made when they are missing. {camera}, {watch} and {date} (UTC) make it several files.
	Path      string    `yaml:"path"`
	Rotate    Rotate    `yaml:"rotate"`
	Snapshots Snapshots `yaml:"snapshots"`

	layout layout
}

// Rotate says when a file is put aside under a name with the time in it, and what becomes of those put aside.
type Rotate struct {
	Size  config.Size     `yaml:"size"`  // before it would become larger; 0: never
	Every config.Duration `yaml:"every"` // at each whole multiple of it in UTC: 1h is at the full hour, 1d at midnight; 0: never
	Keep  int             `yaml:"keep"`  // how many stay, for each path; 0: all
	Gzip  bool            `yaml:"gzip"`
}

// Snapshots bounds the pictures that watches with `snapshot: true` put beside the files. The sink itself knows nothing of them.
type Snapshots struct {
	MaxBytes config.Size     `yaml:"max_bytes"`
	MaxAge   config.Duration `yaml:"max_age"`
}

// Limits of settings.
const (
	minSize      = 64 << 10
	minEvery     = config.Duration(time.Minute)
	minSnapshots = 1 << 20
	minAge       = config.Duration(time.Minute)
)

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	c := Config{Snapshots: Snapshots{MaxBytes: 256 << 20, MaxAge: config.Duration(7 * 24 * time.Hour)}}
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
	return c, cmp.Or(c.checkRotate(s), c.checkSnapshots(s))
}

// Folder returns the absolute path of the folder that the files are in, or in folders below.
func (c *Config) Folder() (string, error) { return filepath.Abs(c.layout.folder) }

// PathName makes a name part of a path, as {camera} does.
func PathName(name string) string { return clean(name) }

func (c *Config) checkSnapshots(s config.Section) error {
	switch {
	case c.Snapshots.MaxBytes < minSnapshots:
		return s.Problemf("snapshots", "found max_bytes: %s; write %s or more", c.Snapshots.MaxBytes, config.Size(minSnapshots))
	case c.Snapshots.MaxAge < minAge:
		return s.Problemf("snapshots", "found max_age: %s; write %s or more", c.Snapshots.MaxAge, minAge)
	}
	return nil
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

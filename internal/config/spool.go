package config

import (
	"fmt"
	"time"
)

// Spool says how results are kept on disk until every sink has them.
type Spool struct {
	// Sync is the most that a power cut takes. Default: 1s.
	Sync Sync `yaml:"sync"`

	// MaxBytes bounds all files of the spool together, at least 8MiB. Default: 256MiB.
	MaxBytes Size `yaml:"max_bytes"`

	// MaxAge is the age from which results that wait are dropped, at least 1m. Default: 7d.
	MaxAge Duration `yaml:"max_age"`

	// OnFull says what gives way when the spool, or the disk, is full: [DropOldest], [DropNewest] or [Block]. Default: DropOldest.
	OnFull string `yaml:"on_full"`
}

// What OnFull may be.
const (
	DropOldest = "drop_oldest"
	DropNewest = "drop_newest"
	Block      = "block" // nothing is asked until there is room
)

// Sync is how often the file of the spool is synced at most: a time, [SyncAlways] or [SyncOff]. It is written as 1s, always or off.
type Sync time.Duration

// Values of Sync that are no time.
const (
	SyncAlways Sync = 0
	SyncOff    Sync = -1
)

const (
	minSpoolBytes = 8 << 20
	minSpoolAge   = Duration(time.Minute)
	minSync       = 10 * time.Millisecond // below that, always is cheaper
	maxSync       = time.Minute
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Sync) UnmarshalText(text []byte) error {
	switch string(text) {
	case "always":
		*s = SyncAlways
		return nil
	case "off":
		*s = SyncOff
		return nil
	}
	d, err := ParseDuration(string(text))
	if err != nil || time.Duration(d) < minSync || time.Duration(d) > maxSync {
		return fmt.Errorf("write a time from %v to %v such as 1s, or always, or off", minSync, Duration(maxSync))
	}
	*s = Sync(d)
	return nil
}

func defaultSpool() Spool {
	return Spool{Sync: Sync(time.Second), MaxBytes: 256 << 20, MaxAge: Duration(7 * day), OnFull: DropOldest}
}

func (s Spool) check(r *report, n *node) {
	oneOf(r, n, "on_full", s.OnFull, DropOldest, DropNewest, Block)
	if s.MaxBytes < minSpoolBytes {
		r.key(n, "max_bytes", "found %s; write %s or more", s.MaxBytes, Size(minSpoolBytes))
	}
	if s.MaxAge < minSpoolAge {
		r.key(n, "max_age", "found %s; write %s or more", s.MaxAge, minSpoolAge)
	}
}

package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written with a unit in YAML: 500ms, 2s, 5m, 1h30m, 7d.
type Duration time.Duration

const day = 24 * time.Hour

// errNoUnit says that a duration is a bare number.
var errNoUnit = errors.New("a duration needs a unit")

// ParseDuration reads a duration as [time.ParseDuration] does, and also days in front: 7d, 1d12h. A number
// without a unit, 0 included, is an error.
func ParseDuration(text string) (Duration, error) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return 0, errNoUnit
	}
	days, rest, hasDays := strings.Cut(text, "d")
	if !hasDays {
		d, err := time.ParseDuration(text)
		return Duration(d), err
	}
	count, err := strconv.ParseUint(days, 10, 16)
	if err != nil {
		return 0, errors.New("days must be a whole number")
	}
	var tail time.Duration
	if rest != "" {
		if tail, err = time.ParseDuration(rest); err != nil {
			return 0, err
		}
	}
	head := time.Duration(count) * day
	if tail < 0 || tail > math.MaxInt64-head {
		return 0, errors.New("the parts of a duration must be positive and below 290 years")
	}
	return Duration(head + tail), nil
}

// String returns the short form that the YAML uses: 2m and not 2m0s, 7d and not 168h0m0s.
func (d Duration) String() string {
	std := time.Duration(d)
	if std == 0 {
		return "0s"
	}
	if std%day == 0 {
		return strconv.FormatInt(int64(std/day), 10) + "d"
	}
	text := std.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

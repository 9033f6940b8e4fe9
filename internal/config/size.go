package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with a unit in YAML: 500KB, 64MiB, 2GiB.
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Size) UnmarshalText(text []byte) error {
	for _, unit := range sizeUnits {
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
		if n := int64(s); n != 0 && n%sizeUnits[i].bytes == 0 {
			return fmt.Sprint(n/sizeUnits[i].bytes, sizeUnits[i].name)
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

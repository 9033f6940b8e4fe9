package ovs

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of one query: every key known, none twice.
type params map[string]string

// parseParams reads a query that may hold the keys of known and no others.
func parseParams(query string, known ...string) (params, error) {
	p := params{}
	if query == "" {
		return p, nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		key, value, found := strings.Cut(pair, "=")
		if !found || value == "" {
			return nil, invalid("%q is not of the form key=value", pair)
		}
		if !slices.Contains(known, key) {
			return nil, invalid("unknown parameter %q, known here are %s", key, strings.Join(known, ", "))
		}
		if _, twice := p[key]; twice {
			return nil, invalid("parameter %s is given twice", key)
		}
		plain, err := url.QueryUnescape(value)
		if err != nil {
			return nil, invalid("parameter %s is not well escaped", key)
		}
		p[key] = plain
	}
	return p, nil
}

// anchor returns the one anchor among three keys (index, timestamp and offset, in this order), nil where none is given.
func (p params) anchor(index, timestamp, offset string) (*Anchor, error) {
	var found *Anchor
	for kind, key := range []string{index, timestamp, offset} {
		text, given := p[key]
		if !given {
			continue
		}
		if found != nil {
			return nil, invalid("only one of %s, %s and %s may be given", index, timestamp, offset)
		}
		value, err := strconv.ParseInt(text, 10, 64)
		if err != nil || strings.HasPrefix(text, "+") {
			return nil, invalid("%s is not a whole number", key)
		}
		found = &Anchor{Kind: Kind(kind), Value: value}
	}
	return found, nil
}

// needAnchor is anchor where one must be given.
func (p params) needAnchor(index, timestamp, offset string) (Anchor, error) {
	found, err := p.anchor(index, timestamp, offset)
	if err != nil {
		return Anchor{}, err
	}
	if found == nil {
		return Anchor{}, invalid("one of %s, %s and %s is missing", index, timestamp, offset)
	}
	return *found, nil
}

func (p params) tolerance() (time.Duration, error) {
	text, given := p["tolerance_ms"]
	if !given {
		return DefaultTolerance, nil
	}
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil || value <= 0 || value > math.MaxInt64/int64(time.Millisecond) {
		return 0, invalid("tolerance_ms is not a whole number above 0")
	}
	return time.Duration(value) * time.Millisecond, nil
}

func (p params) direction() (Direction, error) {
	text, given := p["direction"]
	if !given {
		return Nearest, nil
	}
	direction := Direction(text)
	if direction != Nearest && direction != Forward && direction != Backward {
		return "", invalid("direction is one of nearest, forward and backward")
	}
	return direction, nil
}

// decimal keeps out what strconv takes besides: NaN, Inf, signs and hexadecimal.
var decimal = regexp.MustCompile(`^[0-9]*\.?[0-9]+([eE]-?[0-9]+)?$`)

func (p params) maxFPS() (float64, error) {
	text, given := p["max_fps"]
	if !given {
		return DefaultMaxFPS, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !decimal.MatchString(text) || value <= 0 {
		return 0, invalid("max_fps is not a number above 0")
	}
	return value, nil
}

func invalid(format string, args ...any) *Error {
	return &Error{CodeParamInvalid, fmt.Sprintf(format, args...)}
}

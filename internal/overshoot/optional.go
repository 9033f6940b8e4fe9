package overshoot

import (
	"encoding/json"
	"math"
	"time"
)

// optional is a field that may be missing, null or, from a server of another
// version, of another type. All three count as not known: a statistic that changed
// its form must not cost the answer it came with.
type optional[T any] struct {
	value T
	known bool
}

// UnmarshalJSON never fails on valid JSON.
func (o *optional[T]) UnmarshalJSON(text []byte) error {
	*o = optional[T]{}
	var value T
	if string(text) == "null" || json.Unmarshal(text, &value) != nil {
		return nil
	}
	*o = optional[T]{value: value, known: true}
	return nil
}

// integer drops the fraction, for the service sends 84200.0 where it means 84200.
// Values beyond an int64 saturate.
func integer(n optional[float64], absent int64) int64 {
	switch {
	case !n.known:
		return absent
	case n.value >= math.MaxInt64:
		return math.MaxInt64
	case n.value <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(n.value)
	}
}

// maxSpan is the longest time a stranger can make us reckon with, far from any
// overflow. Today's leases are 300 s.
const maxSpan = 24 * time.Hour

// seconds returns 0 for what is absent or not positive.
func seconds(n optional[float64]) time.Duration {
	if !n.known || n.value <= 0 {
		return 0
	}
	return time.Duration(min(n.value, maxSpan.Seconds()) * float64(time.Second))
}

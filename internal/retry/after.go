package retry

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// After reads the header Retry-After, in seconds or as a date (RFC 9110 §10.2.3); 0 where there is none. A date counts from the date of
// the answer, as the clock of a Pi may be years off; ours serves only where the answer has none. What is neither, or lies in the past,
// counts as absent. The pause may be far too long: whoever obeys it has to bound it.
func After(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(n, uint64(day/time.Second))) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, until.Sub(now))
}

const day = 24 * time.Hour // enough to say "very long", and far from any overflow

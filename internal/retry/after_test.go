package retry_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/retry"
)

const date = "Tue, 10 Nov 2026 08:00:00 GMT"

func TestAfter(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "3600": time.Hour, "99999999999999999999999": 24 * time.Hour,
		"-5": 0, "1.5": 0, "soon": 0,
		"Tue, 10 Nov 2026 08:00:30 GMT": 30 * time.Second, "Tue, 10 Nov 2026 07:00:00 GMT": 0, "Tuesday, 10-Nov-26 08:00:30 GMT": 30 * time.Second,
	} {
		if got := retry.After(http.Header{"Retry-After": {value}, "Date": {date}}); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestAfterCountsFromOurClockWhereTheAnswerHasNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins on 2000-01-01
		for _, stated := range []string{"", "yesterday"} {
			h := http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:01:00 GMT"}, "Date": {stated}}
			if got := retry.After(h); got != time.Minute {
				t.Errorf("Date %q: got %v", stated, got)
			}
		}
	})
}

func FuzzAfter(f *testing.F) {
	for _, seed := range []string{"", "0", "1", "3600", "-1", "1.5", "1e9", "18446744073709551616", "soon", date, "Tue, 10 Nov 2026 08:00:30 GMT"} {
		f.Add(seed, date)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		if d := retry.After(http.Header{"Retry-After": {value}, "Date": {date}}); d < 0 {
			t.Errorf("asks to wait %v", d)
		}
	})
}

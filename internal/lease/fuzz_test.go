package lease_test

import (
	"slices"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/lease"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
)

// FuzzJournal reads a file that a failing disk, or a person, has made something of.
func FuzzJournal(f *testing.F) {
	f.Add([]byte(`{"version": 1, "streams": [` + mine + `, ` + onOtherKey + `]}`))
	f.Add([]byte(`{"version": 1, "streams": [{"camera": "c", "key": "k", "ttl_seconds": 30, "boot_id": "boot", "over_at_uptime_s": 3640.5}]}`))
	f.Add([]byte(`{"version": 1, "streams": [{"camera": "c", "key": "k", "ttl_seconds": 30, "boot_id": "boot", "over_at_uptime_s": 1e300}]}`))
	f.Add([]byte(`{"version": 1, "streams": null}`))
	f.Add([]byte("\x00\x00"))
	clock := wake.Clock{Boot: "boot", Uptime: func() time.Duration { return time.Hour }}
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, _ := lease.Decode(text, clock)
		for _, e := range entries {
			if e.Camera == "" || e.Key == "" || e.TTL < time.Second || e.TTL > 24*time.Hour {
				t.Errorf("an entry makes no sense: %+v", e)
			}
			if r := e.RemainingAt(time.Hour); r <= 0 || r > e.TTL+30*time.Second {
				t.Errorf("%+v remains for %v", e, r)
			}
		}
		written, err := lease.Encode(entries, "boot")
		if err != nil {
			t.Fatal(err)
		}
		again, err := lease.Decode(written, clock)
		same := func(a, b lease.Entry) bool { return a.Place == b.Place && a.ID == b.ID && a.Region == b.Region }
		if err != nil || !slices.EqualFunc(again, entries, same) {
			t.Errorf("%+v is written and read as %+v, %v", entries, again, err)
		}
	})
}

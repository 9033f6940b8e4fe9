package config_test

import (
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func TestDurations(t *testing.T) {
	tests := []struct {
		text  string
		want  time.Duration // negative for an error
		again string        // how String writes it
	}{
		{"0s", 0, "0s"},
		{"500ms", 500 * time.Millisecond, "500ms"},
		{"2s", 2 * time.Second, "2s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"5m", 5 * time.Minute, "5m"},
		{"120m", 2 * time.Hour, "2h"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"7d", 7 * 24 * time.Hour, "7d"},
		{"1d12h", 36 * time.Hour, "36h"},
		{"5", -1, ""},
		{"0", -1, ""},
		{"1e3", -1, ""},
		{"", -1, ""},
		{"d", -1, ""},
		{"1.5d", -1, ""},
		{"1d-2h", -1, ""},
		{"1d5", -1, ""},
		{"5 s", -1, ""},
		{"99999999d", -1, ""},
		{"60000d2500000h", -1, ""},
	}
	for _, test := range tests {
		got, err := config.ParseDuration(test.text)
		if test.want < 0 {
			if err == nil {
				t.Errorf("ParseDuration(%q) = %s, want an error", test.text, got)
			}
			continue
		}
		if err != nil || time.Duration(got) != test.want || got.String() != test.again {
			t.Errorf("ParseDuration(%q) = %s, %v, want %s", test.text, got, err, test.again)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, seed := range []string{"1d12h", "500ms", "106751d23h47m16s", "-1ns"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := config.ParseDuration(text)
		if err != nil {
			return
		}
		second, err := config.ParseDuration(first.String())
		if err != nil || second != first {
			t.Errorf("%q is %s, which is read as %s, %v", text, first, second, err)
		}
	})
}

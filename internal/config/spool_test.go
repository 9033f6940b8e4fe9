package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

// loadWith loads a small configuration with some lines more.
func loadWith(t *testing.T, lines string) (*config.Config, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	text := "overshoot: {keys: [{name: main, key: ovs-one}]}\ncameras: [{name: a, source: \"rtsp://127.0.0.1:1/x\"}]\n" + lines + "\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, _, err := config.Load(path, config.Options{LookupEnv: os.LookupEnv, Hostname: "host"})
	return c, err
}

func TestSpool(t *testing.T) {
	second, week := config.Sync(time.Second), config.Duration(7*24*time.Hour)
	for lines, want := range map[string]config.Spool{
		"":                         {Sync: second, MaxBytes: 256 << 20, MaxAge: week, OnFull: config.DropOldest},
		"spool:":                   {Sync: second, MaxBytes: 256 << 20, MaxAge: week, OnFull: config.DropOldest},
		"spool: {sync: always}":    {Sync: config.SyncAlways, MaxBytes: 256 << 20, MaxAge: week, OnFull: config.DropOldest},
		"spool: {sync: off}":       {Sync: config.SyncOff, MaxBytes: 256 << 20, MaxAge: week, OnFull: config.DropOldest},
		"spool: {max_bytes: 1GiB}": {Sync: second, MaxBytes: 1 << 30, MaxAge: week, OnFull: config.DropOldest},
		"spool: {sync: 250ms, max_age: 1h, on_full: block}": {
			Sync: config.Sync(250 * time.Millisecond), MaxBytes: 256 << 20, MaxAge: config.Duration(time.Hour), OnFull: config.Block,
		},
	} {
		if c, err := loadWith(t, lines); err != nil || c.Spool != want {
			t.Errorf("%q: got %+v, %v", lines, c, err)
		}
	}
}

func TestProblemsOfTheSpool(t *testing.T) {
	for lines, want := range map[string]string{
		"spool: {sync: 2}":            "write a time from 10ms to 1m such as 1s, or always, or off",
		"spool: {sync: 2h}":           "write a time from 10ms to 1m such as 1s, or always, or off",
		"spool: {max_bytes: 1MiB}":    "found 1MiB; write 8MiB or more",
		"spool: {max_bytes: 1000000}": "such as 64MiB",
		"spool: {max_age: 1s}":        "found 1s; write 1m or more",
		"spool: {on_full: drop}":      `found "drop"`,
		"spool: {size: 1}":            "unknown key",
	} {
		if _, err := loadWith(t, lines); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "c.yaml:3:") {
			t.Errorf("%q: got %v", lines, err)
		}
	}
}

func TestTooManySinks(t *testing.T) {
	sinks := func(n int) string {
		text := "sinks:"
		for i := range n {
			text += "\n  s" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + ": {type: stdout}"
		}
		return text
	}
	if _, err := loadWith(t, sinks(32)); err != nil {
		t.Error(err)
	}
	if _, err := loadWith(t, sinks(33)); err == nil || !strings.Contains(err.Error(), "c.yaml:36:") || !strings.Contains(err.Error(), "there can be 32") {
		t.Errorf("got %v", err)
	}
}

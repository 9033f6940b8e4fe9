package file_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
)

func TestWhereSnapshotsGo(t *testing.T) {
	t.Chdir(t.TempDir())
	here, err := filepath.Abs(".")
	must(t, err)
	for path, want := range map[string]string{
		"r.jsonl": here, "/data/r.jsonl": "/data", "/data/{camera}/{date}.jsonl": "/data", "/data/of-{camera}.jsonl": "/data", "sub/r.jsonl": here + "/sub",
	} {
		c, err := decode("path: '" + path + "'")
		must(t, err)
		if got, err := c.Folder(); err != nil || got != want {
			t.Errorf("%s: got %s, %v, want %s", path, got, err, want)
		}
	}
}

func TestBoundsOfSnapshots(t *testing.T) {
	for text, want := range map[string]struct {
		bytes config.Size
		age   time.Duration
	}{
		"":                             {256 << 20, 7 * 24 * time.Hour},
		"snapshots: {max_bytes: 1GiB}": {1 << 30, 7 * 24 * time.Hour},
		"snapshots: {max_age: 1h}":     {256 << 20, time.Hour},
		"snapshots: {max_age: 1m, max_bytes: 1MiB}": {1 << 20, time.Minute},
	} {
		c, err := decode("path: r.jsonl\n" + text)
		if err != nil || c.Snapshots.MaxBytes != want.bytes || time.Duration(c.Snapshots.MaxAge) != want.age {
			t.Errorf("%q: got %+v, %v", text, c.Snapshots, err)
		}
	}
	for text, want := range map[string]string{
		"snapshots: {max_bytes: 100KiB}": "found max_bytes: 100KiB; write 1MiB or more",
		"snapshots: {max_age: 1s}":       "found max_age: 1s; write 1m or more",
		"snapshots: {max_files: 3}":      "max_files",
	} {
		if _, err := decode("path: r.jsonl\n" + text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

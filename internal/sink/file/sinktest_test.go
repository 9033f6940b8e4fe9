package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/file"
	"github.com/overshoot-ai/overshoot-agent/internal/sink/sinktest"
)

func TestPromisesOfAllSinks(t *testing.T) {
	for name, settings := range map[string]string{"one file": "path: DIR/r.jsonl", "for each camera": "path: DIR/{camera}/{date}.jsonl"} {
		t.Run(name, func(t *testing.T) {
			sinktest.Run(t, func(t *testing.T) sinktest.World { return world(t, settings) })
		})
	}
}

func world(t *testing.T, settings string) sinktest.World {
	dir := filepath.Join(t.TempDir(), "disk")
	away := dir + ".away"
	s := open(t, strings.ReplaceAll(settings, "DIR", dir))
	disk := file.Between(s)
	return sinktest.World{
		Sink:     s,
		Received: func() []string { return idsIn(t, dir) },
		Away: func() { // the drive is gone, and where it was is something else
			if err := os.Rename(dir, away); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			must(t, os.WriteFile(dir, nil, 0o600))
		},
		Back: func() {
			if info, err := os.Stat(dir); err == nil && !info.IsDir() {
				must(t, os.Remove(dir))
				if err := os.Rename(away, dir); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			disk.Repair()
		},
		BreakAfter: disk.FullAfterLines,
	}
}

// idsIn returns the ids in all files of a folder, file by file.
func idsIn(t *testing.T, dir string) (ids []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			var r result.Result
			if err := r.UnmarshalJSON([]byte(line)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			ids = append(ids, r.ID)
		}
		return err
	}))
	return ids
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestOpenSaysWhatIsNoVideoDevice(t *testing.T) {
	file := filepath.Join(t.TempDir(), "video0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for path, want := range map[string]error{
		file:                           unix.ENOTTY,
		"/dev/null":                    unix.ENOTTY,
		filepath.Join(file, "..", "x"): unix.ENOENT,
	} {
		d, err := Open(path)
		if !errors.Is(err, want) || d != nil {
			t.Errorf("Open(%s): %v, %v", path, d, err)
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name %s: %v", path, err)
		}
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files open, %d before", after, before)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

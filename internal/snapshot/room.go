package snapshot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/diskspace"
	"golang.org/x/sys/unix"
)

// The reasons why a picture was removed.
const (
	removedSize = "size"
	removedAge  = "age"
)

// makeRoom removes pictures, the oldest first, until there is room for size more bytes. On a disk that is nearly full we take no more than we
// have.
func (a *album) makeRoom(root *os.Root, f Folder, size int64) error {
	most := f.MaxBytes
	if a.isLow(f.Path) {
		most = min(most, a.shelf.bytes)
	}
	if size > most {
		return &failure{diskFull, fmt.Errorf("a snapshot has %d bytes, and there is room for %d: the disk is full, or max_bytes too small", size, most)}
	}
	return a.trim(root, f, most-size)
}

// isLow tells whether the disk has less free than we leave to others.
func (a *album) isLow(path string) bool {
	var disk unix.Statfs_t
	if err := a.disk.statfs(path, &disk); err != nil {
		return false // then writing will tell
	}
	free, leave := diskspace.Of(disk)
	return free < leave
}

// trim removes pictures, the oldest first, until they have no more than so many bytes, and none is too old.
func (a *album) trim(root *os.Root, f Folder, most int64) error {
	oldest := time.Now().Add(-f.MaxAge)
	defer a.show(f)
	for !a.shelf.empty() {
		reason := removedSize
		if first := a.shelf.first(); first.at.Before(oldest) {
			reason = removedAge
		} else if a.shelf.bytes <= most {
			break
		}
		switch err := root.Remove(a.shelf.first().name); {
		case err == nil:
			a.metrics.removed(f.Sink, reason).Inc()
		case errors.Is(err, fs.ErrNotExist):
			a.scanned = time.Time{} // somebody else removes files: what else is gone?
		default:
			return fmt.Errorf("removing an old snapshot: %w", err)
		}
		a.shelf.drop()
	}
	return nil
}

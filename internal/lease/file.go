package lease

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/renameio/v2"
)

// fileName is the journal's in the state folder.
const fileName = "leases.json"

// maxFile is far above the size of any journal.
const maxFile = 1 << 20

// A journalFile is the journal on disk. It is replaced as a whole, so that a reader finds the old one or the new one, whatever happens.
type journalFile struct{ folder string }

func (f journalFile) path() string { return filepath.Join(f.folder, fileName) }

// read returns the text of the file, or nothing when there is none yet.
func (f journalFile) read() ([]byte, error) {
	file, err := os.Open(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	case len(text) == 0:
		return nil, errors.New("it is empty")
	}
	return text, nil
}

// write replaces the file. When it returns nil, power may fail: the text and the name are on disk.
func (f journalFile) write(text []byte) error {
	err := renameio.WriteFile(f.path(), text, 0o600, renameio.WithTempDir(f.folder), renameio.WithStaticPermissions(0o600))
	if e, ok := errors.AsType[*os.PathError](err); ok {
		return fmt.Errorf("writing the journal of streams: %s %s: %w", e.Op, f.path(), e.Err) // e.Path is another one each time, which would look like news
	}
	if err != nil {
		return fmt.Errorf("writing the journal of streams: %w", err)
	}
	folder, err := os.Open(f.folder)
	if err != nil {
		return fmt.Errorf("opening the folder of the journal: %w", err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("syncing the folder of the journal: %w", err)
	}
	return nil
}

// setAside renames a file that cannot be read, so that a person can look at it. Wall-clock time is good enough for its name.
func (f journalFile) setAside() (to string, err error) {
	to = f.path() + ".corrupt-" + time.Now().UTC().Format("20060102T150405Z")
	return to, os.Rename(f.path(), to)
}

// sweep removes what writes left behind that were cut off half-way.
func (f journalFile) sweep() {
	files, _ := os.ReadDir(f.folder)
	for _, file := range files {
		if strings.HasPrefix(file.Name(), "."+fileName) { // as renameio names them
			_ = os.Remove(filepath.Join(f.folder, file.Name()))
		}
	}
}

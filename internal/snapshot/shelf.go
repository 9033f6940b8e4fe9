package snapshot

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A file is one picture on the disk.
type file struct {
	name string // below the folder of the sink
	at   time.Time
	size int64
}

// A shelf knows the files of an album, oldest first.
type shelf struct {
	files []file
	bytes int64
}

func (s *shelf) empty() bool { return len(s.files) == 0 }
func (s *shelf) first() file { return s.files[0] }

// drop forgets the first file.
func (s *shelf) drop() {
	s.bytes -= s.files[0].size
	s.files[0] = file{} // the array stays for a while, the name need not
	s.files = s.files[1:]
}

// add adds a file, mostly at the end.
func (s *shelf) add(f file) {
	i := len(s.files)
	for i > 0 && f.before(s.files[i-1]) {
		i--
	}
	s.files = slices.Insert(s.files, i, f)
	s.bytes += f.size
}

func (f file) before(other file) bool { return compare(f, other) < 0 }

func compare(a, b file) int { return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name)) }

// exceeds tells whether something is to be removed.
func (s *shelf) exceeds(f Folder, now time.Time) bool {
	return s.bytes > f.MaxBytes || !s.empty() && s.first().at.Before(now.Add(-f.MaxAge))
}

// stamp is how names tell the time of their picture. They sort by it.
const stamp = "20060102T150405.000Z"

// nameOf returns the name of the file with the picture of a time for the result of an id.
func nameOf(at time.Time, id, suffix string) string {
	return at.UTC().Format(stamp) + "-" + id + suffix
}

// timeOf returns the time in the name of one of our files, and the zero time for any other.
func timeOf(path string) time.Time {
	name := filepath.Base(path)
	if len(name) < len(stamp) || !slices.ContainsFunc([]string{".jpg", ".h264"}, func(end string) bool { return strings.HasSuffix(name, end) }) {
		return time.Time{}
	}
	at, err := time.Parse(stamp, name[:len(stamp)])
	if err != nil || !strings.HasPrefix(name[len(stamp):], "-") {
		return time.Time{}
	}
	return at
}

// look finds out what is in the folder, when it has to. Files that are not ours are left alone and not counted; what a power cut
// has left of ours is removed.
func (a *album) look(root *os.Root) error {
	if time.Since(a.scanned) < rescan {
		return nil
	}
	var found shelf
	folders, err := list(root, below)
	for _, folder := range folders {
		if err == nil && folder.IsDir() {
			err = found.scan(root, filepath.Join(below, folder.Name()))
		}
	}
	if err != nil {
		return err
	}
	slices.SortFunc(found.files, compare)
	a.shelf, a.scanned = found, time.Now()
	a.show(a.bounds())
	return nil
}

// scan adds the files of one camera, in no order.
func (s *shelf) scan(root *os.Root, folder string) error {
	entries, err := list(root, folder)
	for _, e := range entries {
		name := filepath.Join(folder, e.Name())
		at := timeOf(strings.TrimSuffix(name, unfinished))
		info, gone := e.Info()
		switch {
		case at.IsZero() || gone != nil || !info.Mode().IsRegular():
		case info.Size() == 0 || strings.HasSuffix(name, unfinished):
			_ = root.Remove(name) // if it stays, the next look tries again
		default:
			s.files = append(s.files, file{name, at, info.Size()})
			s.bytes += info.Size()
		}
	}
	if err == nil && len(entries) == 0 {
		_ = root.Remove(folder) // of a camera that had its last picture long ago
	}
	return err
}

// list returns what is in a folder; one that is not there is empty.
func list(root *os.Root, folder string) ([]fs.DirEntry, error) {
	f, err := root.Open(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	return f.ReadDir(-1)
}

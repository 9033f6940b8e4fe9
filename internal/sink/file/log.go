package file

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// file is what a log needs of an *os.File.
type file interface {
	Write(p []byte) (int, error)
	Sync() error
	Stat() (os.FileInfo, error)
	Close() error
}

// A log is one open file.
type log struct {
	name    string // below the folder
	file    file
	size    int64     // bytes
	changed time.Time // when something was written last; it may have been an earlier process
	fresh   bool      // its name is not on disk yet
	used    uint64    // by the count of the sink
	retired bool      // not to be written to any more
	lines   lines     // to be written next
}

// write appends the lines and tells how many of them are whole in the file; all are, without an error.
func (l *log) write() (whole int, err error) {
	text := l.lines.text.Bytes()
	n, err := l.file.Write(text)
	l.size += int64(n)
	l.changed = time.Now()
	return bytes.Count(text[:n], []byte("\n")), err
}

// sync blocks until the disk has everything, and the name of a new file as well.
func (l *log) sync(root *os.Root) error {
	if err := l.file.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // which says that it is a pipe or the like
		return err
	}
	if !l.fresh {
		return nil
	}
	folder, err := root.Open(filepath.Dir(l.name))
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }() // it was only read
	if err := folder.Sync(); err != nil {
		return err
	}
	l.fresh = false
	return nil
}

// lines are results as text. Their JSON has no line breaks.
type lines struct{ text bytes.Buffer }

func (l *lines) reset()      { l.text.Reset() }
func (l *lines) empty() bool { return l.text.Len() == 0 }
func (l *lines) add(json []byte) {
	l.text.Write(json)
	l.text.WriteByte('\n')
}

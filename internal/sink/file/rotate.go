package file

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// isDue tells whether a period has ended since the log was written to. A clock that was set back ends none.
func (r Rotate) isDue(l *log, now time.Time) bool {
	every := time.Duration(r.Every)
	return every > 0 && l.size > 0 && l.changed.UTC().Truncate(every).Before(now.UTC().Truncate(every))
}

// fits tells whether the log may take its lines and one more with n bytes of JSON.
func (r Rotate) fits(l *log, n int) bool {
	return r.Size == 0 || l.size+int64(l.lines.text.Len()+n+1) <= int64(r.Size)
}

// rotate puts a log aside under a name with the time in it. What was written to it in this delivery is synced with the rest.
func (s *Sink) rotate(d delivery, l *log) error {
	aside, err := freeName(s.root, l.name, time.Now())
	if err == nil {
		err = s.root.Rename(l.name, aside)
	}
	if err != nil {
		return fmt.Errorf("rotating %s: %w", s.path(l.name), err)
	}
	s.retire(l)
	if _, touched := d[l]; !touched {
		_ = l.file.Close() // it was synced; what could fail here has no one to tell
	}
	s.tidy.start(s.here.folder, l.name, s.settings.Rotate)
	return nil
}

// stamp is how the names of files that were put aside tell when. They sort by time.
const stamp = "20060102T150405.000Z"

// asideName returns the name of a file that is put aside at a time: results.jsonl becomes results-20261122T133700.123Z.jsonl.
func asideName(name string, at time.Time) string {
	ext := filepath.Ext(name)
	return strings.TrimSuffix(name, ext) + "-" + at.UTC().Format(stamp) + ext
}

// isAside tells whether a file is name, put aside.
func isAside(file, name string) bool {
	ext := filepath.Ext(name)
	text, found := strings.CutPrefix(strings.TrimSuffix(file, zipped), strings.TrimSuffix(name, ext)+"-")
	text, ends := strings.CutSuffix(text, ext)
	_, err := time.Parse(stamp, text)
	return found && ends && err == nil
}

// freeName returns a name that no file has, compressed or not.
func freeName(root *os.Root, name string, at time.Time) (string, error) {
	for ; ; at = at.Add(time.Millisecond) {
		aside := asideName(name, at)
		_, plain := root.Lstat(aside)
		_, small := root.Lstat(aside + zipped)
		if errors.Is(plain, os.ErrNotExist) && errors.Is(small, os.ErrNotExist) {
			return aside, nil
		}
		if err := errors.Join(ignoreMissing(plain), ignoreMissing(small)); err != nil {
			return "", err
		}
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

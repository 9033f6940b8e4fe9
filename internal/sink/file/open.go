package file

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// enter opens the folder when it is not open, or is no longer the one at its path.
func (s *Sink) enter() error {
	here := s.settings.layout.resolve()
	if s.root != nil && here == s.here && isSame(s.root, here.folder) {
		return nil
	}
	_ = s.leave() // all of it was synced; what could fail here has no one to tell
	s.here = here
	if err := os.MkdirAll(here.folder, 0o750); err != nil {
		return fmt.Errorf("making the folder of %s: %w", s.path(here.name), err)
	}
	root, err := os.OpenRoot(here.folder)
	if err != nil {
		return fmt.Errorf("opening the folder of %s: %w", s.path(here.name), err)
	}
	s.root = root
	return nil
}

func isSame(root *os.Root, folder string) bool {
	opened, err := root.Stat(".")
	if err != nil {
		return false
	}
	there, err := os.Stat(folder)
	return err == nil && os.SameFile(opened, there)
}

// leave closes everything that is open.
func (s *Sink) leave() (err error) {
	for _, l := range s.logs {
		err = errors.Join(err, l.file.Close())
	}
	clear(s.logs)
	if s.root != nil {
		err = errors.Join(err, s.root.Close())
		s.root = nil
	}
	return err
}

// resolve follows symbolic links where the user has named one certain file, which then may be anywhere.
func (l layout) resolve() layout {
	if l.hasVariables() {
		return l
	}
	path := follow(filepath.Join(l.folder, l.name))
	return layout{filepath.Dir(path), filepath.Base(path)}
}

// maxLinks is how many links may lead to one another, as for the kernel.
const maxLinks = 40

// follow returns where a path leads to, also where nothing is there: yet, or because it was moved away.
func follow(path string) string {
	for range maxLinks {
		there, err := filepath.EvalSymlinks(path)
		if err == nil {
			return there
		}
		to, err := os.Readlink(path)
		if err != nil {
			return path
		}
		if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil && !filepath.IsAbs(to) {
			to = filepath.Join(folder, to)
		}
		path = to
	}
	return path
}

// open returns the log of a name. It is opened anew when something like logrotate has moved it away since the last batch.
func (s *Sink) open(d delivery, name string) (*log, error) {
	s.tick++
	l := s.logs[name]
	if _, touched := d[l]; l != nil && (touched || l.isCurrent(s.root)) {
		l.used = s.tick
		return l, nil
	}
	if l != nil {
		delete(s.logs, name)
		_ = l.file.Close() // it was synced; what could fail here has no one to tell
	}
	l, err := openLog(s.root, name)
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", s.path(name), err)
	}
	l.file, l.used = s.wrap(l.file), s.tick
	s.logs[name] = l
	return l, nil
}

// isCurrent tells whether a log is still what its name leads to, and learns its size in case it was truncated.
func (l *log) isCurrent(root *os.Root) bool {
	opened, err := l.file.Stat()
	if err != nil {
		return false
	}
	there, err := root.Stat(l.name)
	l.size = opened.Size()
	return err == nil && os.SameFile(opened, there)
}

func openLog(root *os.Root, name string) (*log, error) {
	if err := root.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return nil, err
	}
	f, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return nil, err
	}
	info, err := cutTornLine(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("repairing the last line: %w", err), f.Close())
	}
	return &log{name: name, file: f, size: info.Size(), changed: info.ModTime(), fresh: info.Size() == 0 && info.Mode().IsRegular()}, nil
}

// cutTornLine removes what follows the last line break: a power cut or a full disk left it, and it would spoil the line after it. Its
// result is delivered again, because it was never acknowledged. It returns what the file is then.
func cutTornLine(f *os.File) (os.FileInfo, error) {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return info, err
	}
	end := info.Size()
	block := make([]byte, 4096)
	for end > 0 {
		start := max(end-int64(len(block)), 0)
		n, err := f.ReadAt(block[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return info, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			end = start + int64(i) + 1
			break
		}
		end = start
	}
	if end == info.Size() {
		return info, nil
	}
	if err := f.Truncate(end); err != nil {
		return info, err
	}
	return f.Stat()
}

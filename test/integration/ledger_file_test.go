package integration

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// file makes a sink known that appends to a file. Its lines are taken whenever the ledger is refreshed, also of files that were put aside.
func (l *ledger) file(name, path string) *arrivals {
	a := l.sink(name)
	a.path, a.read = path, map[uint64]int64{}
	return a
}

// follow looks at the file often from now on, until the test ends, so that the times of arrivals are right to a few milliseconds.
func (a *arrivals) follow(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				a.refresh(t)
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
}

// refresh takes what is new in the files.
func (a *arrivals) refresh(t *testing.T) {
	t.Helper()
	if a.path == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, line := range a.newLines(t) {
		a.note(readArrivals(line))
	}
}

// newLines returns the whole lines that were not read yet, the oldest first. The lock is held. The newest file is opened before the others
// are listed, so that nothing of it is passed over when it is put aside meanwhile.
func (a *arrivals) newLines(t *testing.T) (lines [][]byte) {
	newest, err := os.Open(a.path)
	if err == nil {
		defer newest.Close()
	}
	aside, _ := filepath.Glob(strings.TrimSuffix(a.path, filepath.Ext(a.path)) + "-*" + filepath.Ext(a.path))
	slices.Sort(aside)
	for _, path := range aside {
		if file, err := os.Open(path); err == nil {
			lines = append(lines, a.linesOf(t, file)...)
			file.Close()
		}
	}
	if newest != nil {
		lines = append(lines, a.linesOf(t, newest)...)
	}
	return lines
}

func (a *arrivals) linesOf(t *testing.T, file *os.File) (lines [][]byte) {
	info, err := file.Stat()
	if err != nil {
		t.Errorf("reading the result file: %v", err)
		return nil
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	from := a.read[inode]
	if info.Size() <= from {
		return nil
	}
	text := make([]byte, info.Size()-from)
	n, _ := file.ReadAt(text, from)
	text = text[:bytes.LastIndexByte(text[:n], '\n')+1]
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	a.read[inode] = from + int64(len(text))
	return lines
}

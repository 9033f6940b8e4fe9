// Package file is the sink that appends results to a file, one JSON object per line.
package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/overshoot-ai/overshoot-agent/internal/config"
	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// Config is the section of a file sink.
type Config struct {
	Path string `yaml:"path"` // of the file; its folder is made when it is missing
}

// Decode reads and checks a section. Its errors name the place in the file.
func Decode(s config.Section) (Config, error) {
	var c Config
	if err := s.Decode(&c); err != nil {
		return c, err
	}
	if c.Path == "" {
		return c, s.Problemf("path", "is missing: name the file to write, such as /var/lib/overshoot-agent/results/results.jsonl")
	}
	return c, nil
}

// Sink appends to one file. The file is opened at the first delivery, so that a disk that comes late does no harm.
type Sink struct {
	path string
	file *os.File
	line bytes.Buffer
}

// New returns the sink for checked settings.
func New(c Config) *Sink { return &Sink{path: c.Path} }

// Deliver implements sink.Sink: each result is written by one call and the batch is on disk when it returns. After an error the file is
// opened anew, which repairs a line that was written in part.
func (s *Sink) Deliver(_ context.Context, batch []result.Result) error {
	if err := s.open(); err != nil {
		return err
	}
	for _, r := range batch {
		if err := s.write(r); err != nil {
			return errors.Join(fmt.Errorf("appending a result: %w", err), s.Close())
		}
	}
	if err := s.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("bringing results to disk: %w", err), s.Close())
	}
	return nil
}

func (s *Sink) write(r result.Result) error {
	s.line.Reset()
	encoder := json.NewEncoder(&s.line)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return err
	}
	_, err := s.file.Write(s.line.Bytes())
	return err
}

// open opens the file when it is not open, or is no longer the one at its path because something like logrotate moved it away.
func (s *Sink) open() error {
	if s.file != nil {
		if s.isCurrent() {
			return nil
		}
		_ = s.Close() // it was synced; what could fail here has no one to tell
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o750); err != nil {
		return fmt.Errorf("making the folder of %s: %w", s.path, err)
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return fmt.Errorf("opening the result file: %w", err)
	}
	if err := cutTornLine(f); err != nil {
		return errors.Join(fmt.Errorf("repairing the last line of %s: %w", s.path, err), f.Close())
	}
	s.file = f
	return nil
}

func (s *Sink) isCurrent() bool {
	opened, err := s.file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(s.path)
	return err == nil && os.SameFile(opened, there)
}

// cutTornLine removes what follows the last line break: a power cut left it, and it would spoil the line after it. Its result is
// delivered again, because it was never acknowledged.
func cutTornLine(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	end := info.Size()
	block := make([]byte, 4096)
	for end > 0 {
		start := max(end-int64(len(block)), 0)
		n, err := f.ReadAt(block[:end-start], start)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			end = start + int64(i) + 1
			break
		}
		end = start
	}
	if end == info.Size() {
		return nil
	}
	return f.Truncate(end)
}

// Close implements sink.Sink.
func (s *Sink) Close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	s.file = nil
	return err
}

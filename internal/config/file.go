package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/overshoot-ai/overshoot-agent/internal/secret"
)

// errTooLarge says that a file is over the limit of readLimited.
var errTooLarge = errors.New("is too large")

// readLimited returns the text of a file of at most limit bytes. The error completes a sentence that begins
// with the name of the file.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fileError(path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fileError(path, err)
	}
	if int64(len(text)) > limit {
		return nil, errTooLarge
	}
	return text, nil
}

// fileError says in the words of the user why a file cannot be read.
func fileError(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("does not exist; check the path, or create the file")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("is not readable by the user the agent runs as; give that user permission to read it")
	}
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return errors.New("is a folder; write the path of a file")
	}
	var cause *fs.PathError
	if errors.As(err, &cause) {
		err = cause.Err // the path is in the sentence already
	}
	return fmt.Errorf("cannot be read (%w); check the path", err)
}

// besides returns a path as seen from the folder of a configuration file.
func besides(configFile, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(configFile), path)
}

// showPath returns the path of a secret's file, as written in a configuration file, for a message. A bare
// name may be the secret itself in the wrong place, and is not shown.
func showPath(configFile, path string) string {
	if filepath.Base(path) == path {
		return "the file"
	}
	var blank secret.Scrubber
	return blank.Scrub(besides(configFile, path))
}

package config

import (
	"crypto/sha256"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Inputs are the files that a [Load] looked at: the main file, included ones, the folders where patterns
// look for more, and those of settings such as password_file. A load that failed has inputs too, so that
// the mended file is noticed. Key files do not count: [Key.Read] reads them anew at each call. Only one
// that could not be used counts, as the load failed because of it.
//
// What counts is the text. Files are looked up by name each time, so it does not matter whether they were
// written, renamed, mounted or linked into their place. Pipes and terminals cannot be read twice and never
// change. The zero value never changes either. Inputs belong to one goroutine.
type Inputs struct {
	loaded state // as Load saw it
	last   state // as Changed saw it the last time
}

// state is what all files hold, by name, and which files each pattern matches.
type state struct {
	files    map[string]file
	patterns map[string]fingerprint
}

type file struct {
	limit int64 // of what is read
	holds fingerprint
}

type fingerprint [sha256.Size]byte

// Changed reports whether a new [Load] may give something else. A change counts once it has stood still
// from one call to the next, so that a file is not taken half written; call it every few seconds. It is
// true again and again until the next Load, also a failing one, with these Inputs.
func (in *Inputs) Changed() bool {
	now := in.loaded.again()
	stoodStill := now.equal(in.last)
	in.last = now
	return stoodStill && !now.equal(in.loaded)
}

// reset forgets everything at the start of a load.
func (in *Inputs) reset() {
	*in = Inputs{loaded: state{files: map[string]file{}, patterns: map[string]fingerprint{}}}
}

// read is [readLimited] with a note of what was found.
func (in *Inputs) read(path string, limit int64) ([]byte, error) {
	text, err := readLimited(path, limit)
	if _, known := in.loaded.files[path]; !known { // else keep what the first reader saw, so that a change since is noticed
		in.loaded.files[path] = file{limit, fingerprintOf(path, text, err)}
	}
	return text, err
}

// keys notes the key files that cannot be used.
func (in *Inputs) keys(keys []Key) {
	for _, key := range keys {
		if _, err := key.Read(); err != nil {
			_, _ = in.read(key.KeyFile, maxSecretBytes)
		}
	}
}

// glob is filepath.Glob with a note of what was found.
func (in *Inputs) glob(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	in.loaded.patterns[pattern] = fingerprintOfNames(paths)
	return paths, err
}

// again looks at the same files and patterns once more.
func (s state) again() state {
	now := state{files: maps.Clone(s.files), patterns: maps.Clone(s.patterns)}
	for path, f := range now.files {
		var text []byte
		var err error
		if !readsOnce(path) { // which could block for ever
			text, err = readLimited(path, f.limit)
		}
		now.files[path] = file{f.limit, fingerprintOf(path, text, err)}
	}
	for pattern := range now.patterns {
		paths, _ := filepath.Glob(pattern) // a bad pattern has no matches, as it had for Load
		now.patterns[pattern] = fingerprintOfNames(paths)
	}
	return now
}

func (s state) equal(other state) bool {
	return maps.Equal(s.files, other.files) && maps.Equal(s.patterns, other.patterns)
}

// fingerprintOf tells apart all texts, and the reasons why there is none.
func fingerprintOf(path string, text []byte, err error) fingerprint {
	switch {
	case readsOnce(path):
		return fingerprint{}
	case err != nil:
		return sha256.Sum256([]byte("no text: " + err.Error()))
	}
	return sha256.Sum256(slices.Concat([]byte("text: "), text))
}

func fingerprintOfNames(paths []string) fingerprint {
	return sha256.Sum256([]byte(strings.Join(paths, "\x00")))
}

// readsOnce reports whether a file is a pipe, a socket or a device, whose text is gone once read.
func readsOnce(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket|fs.ModeDevice|fs.ModeCharDevice|fs.ModeIrregular) != 0
}

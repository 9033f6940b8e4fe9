package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.uber.org/zap"
)

// keepAside is how many damaged files are kept for a person to look at.
const keepAside = 2

// salvage makes a new file of what is readable of the damaged one, sets that aside, and opens the new one.
func (s *Spool) salvage(cause error) (*store, *book, error) {
	fresh, err := openStore(s.path() + newSuffix)
	if err != nil {
		return nil, nil, errors.Join(err, cause)
	}
	err = fill(fresh, s.path(), s.path()+"-wal")
	if isFull(err) {
		s.o.Log.Error("there is no room for all that is readable of the damaged spool", zap.Error(err))
		err = nil
	}
	if err = errors.Join(err, s.purge(fresh), fresh.close()); err != nil {
		return nil, nil, errors.Join(err, cause)
	}
	if err := s.promote(cause); err != nil {
		return nil, nil, err
	}
	st, b, err := s.read()
	if err == nil {
		s.countMissing(b, cause)
	}
	return st, b, err
}

// purge empties the slots of what is of no use: results of which a part is missing, and those that all sinks have.
func (s *Spool) purge(st *store) error {
	book, err := load(st, s.when)
	if err != nil && !isDamage(err) {
		return err
	}
	return st.write(nil, book.free)
}

// fill puts all parts that are found in some files into an empty store. Parts that are out of date do no harm, see loader.
func fill(to *store, paths ...string) error {
	type key struct {
		kind     kind
		position uint64
		index    uint16
	}
	seen := map[key]bool{}
	var rows []row
	var slot uint32
	var failed error
	flush := func() {
		if failed == nil {
			failed = to.write(rows, nil)
		}
		if failed == nil {
			_, failed = to.checkpoint(walFrames)
		}
		rows = rows[:0]
	}
	for _, path := range paths {
		err := scan(path, func(p part, raw []byte) {
			if k := (key{p.kind, p.position, p.index}); !seen[k] {
				seen[k] = true
				rows = append(rows, row{slot, slices.Clone(raw)})
				slot++
			}
			if len(rows) >= 256 {
				flush()
			}
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	flush()
	return failed
}

// scan calls found for each whole part in a file. Places that the disk cannot read are left out.
func scan(path string, found func(p part, raw []byte)) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	scanAll(file, info.Size(), found)
	return nil
}

func scanAll(file io.ReaderAt, size int64, found func(p part, raw []byte)) {
	const window, overlap = 1 << 20, partHead + partData
	text := make([]byte, min(window+overlap, size))
	for at := int64(0); at < size; at += window {
		here := text[:min(int64(len(text)), size-at)]
		readAround(file, here, at)
		findParts(here, found) // what begins in the overlap is found twice
	}
}

// readAround reads what the disk gives, and zeros for the blocks that it does not.
func readAround(file io.ReaderAt, to []byte, at int64) {
	const block = 4096
	n, err := file.ReadAt(to, at)
	for n < len(to) && err != nil && !errors.Is(err, io.EOF) {
		bad := min(n-n%block+block, len(to))
		clear(to[n:bad])
		more := 0
		more, err = file.ReadAt(to[bad:], at+int64(bad))
		n = bad + more
	}
	clear(to[n:])
}

// promote puts the new file, which is complete, in the place of the old one, which is set aside.
func (s *Spool) promote(cause error) error {
	if err := errors.Join(os.Rename(s.path()+newSuffix, s.path()+readySuffix), syncFolder(s.o.Folder)); err != nil {
		return fmt.Errorf("making the new spool the one that counts: %w", err)
	}
	return s.swap(cause)
}

// swap puts the file that counts in the place of the old one.
func (s *Spool) swap(cause error) error {
	if err := s.setAside(cause); err != nil {
		return err
	}
	if err := errors.Join(os.Rename(s.path()+readySuffix, s.path()), syncFolder(s.o.Folder)); err != nil {
		return fmt.Errorf("putting the new spool in its place: %w", err)
	}
	return nil
}

// setAside renames the file and its log, if they are there, so that a person can look at them.
func (s *Spool) setAside(cause error) error {
	if _, err := os.Lstat(s.path()); errors.Is(err, fs.ErrNotExist) {
		return removeDatabase(s.path())
	}
	aside := s.path() + ".corrupt-" + time.Now().UTC().Format("20060102T150405.000Z")
	err := errors.Join(os.Rename(s.path(), aside), rename(s.path()+"-wal", aside+"-wal"), removeIfThere(s.path()+"-shm"))
	if err != nil {
		return fmt.Errorf("setting the damaged spool aside: %w", err)
	}
	s.o.Meters.quarantined.Inc()
	s.o.Log.Error("the spool was damaged and is set aside; what is readable of it is kept", zap.String("file", aside), zap.Error(cause))
	s.o.Part.Detail("damaged", filepath.Base(aside))
	s.sweep()
	return nil
}

// rename renames a file that may not exist.
func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes some of the files that were set aside. The first stays, because that is when it began: a disk that is sick for days spoils
// file after file, and the later ones are empty.
func (s *Spool) sweep() {
	files, _ := filepath.Glob(s.path() + ".corrupt-*Z")
	slices.Sort(files)
	for len(files) > keepAside {
		_ = removeDatabase(files[1])
		files = slices.Delete(files, 1, 2)
	}
}

// countMissing counts what was lost with the damaged file. Of a record that is gone nobody can say for whom it was: it counts for each sink
// that did not have it yet.
func (s *Spool) countMissing(b *book, cause error) {
	for _, shelf := range b.shelves {
		if shelf.missing > 0 {
			s.o.Meters.dropped(shelf.name, reasonCorrupt).Add(float64(shelf.missing))
			s.o.Log.Error("results were lost with the damaged spool", zap.String("sink", shelf.name), zap.Int("at_most", shelf.missing), zap.Error(cause))
		}
	}
}

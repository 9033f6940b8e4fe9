package spool

import (
	"io"

	"golang.org/x/sys/unix"
)

// WithSystem returns options with another kernel below.
func (o Options) WithSystem(fdatasync func(fd int) error, statfs func(path string, to *unix.Statfs_t) error) Options {
	if o.system = (system{fdatasync: unix.Fdatasync, statfs: unix.Statfs}); fdatasync != nil {
		o.system.fdatasync = fdatasync
	}
	if statfs != nil {
		o.system.statfs = statfs
	}
	return o
}

// Frozen calls f while nothing happens to the files.
func (s *Spool) Frozen(f func()) {
	s.io.Lock()
	defer s.io.Unlock()
	f()
}

// Checkpoint moves the log into the database.
func (s *Spool) Checkpoint() error {
	s.io.Lock()
	defer s.io.Unlock()
	_, err := s.store.checkpoint(0)
	return err
}

// FoundIn tells how many parts are found in what a file gives.
func FoundIn(file io.ReaderAt, size int64) (n int) {
	scanAll(file, size, func(part, []byte) { n++ })
	return n
}

// PartsAreSafe reads text as all that a file may hold, and checks that what is split is found again behind any text.
func PartsAreSafe(text []byte, position uint64) bool {
	_, _ = decodeRecord(text)
	_, _ = decodeDead(text)
	_, _ = decodeCursors(text)
	file := append([]byte(nil), text...)
	parts := split(kindResult, position, text)
	for _, p := range parts {
		file = append(file, p...)
	}
	var got []byte
	found := 0
	findParts(file, func(p part, _ []byte) {
		if p.kind == kindResult && p.position == position && int(p.count) == len(parts) && int(p.index) == found {
			got, found = append(got, p.data...), found+1
		}
	})
	return found == len(parts) && string(got) == string(text)
}

package spool

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/diskspace"
	"golang.org/x/sys/unix"
)

const (
	ballastName = "spool.ballast"
	// ballastBytes is what is given up on a full disk, so that the log can still go into the database and start anew.
	ballastBytes = walBytes + walBytes/4
	// overhead is what the files take beside the database: the log, which one large transaction may double, and the ballast.
	overhead = 2*walBytes + ballastBytes
	// leastBytes is what we take even of a disk that has less: without a file of some size nothing would get through.
	leastBytes = 1 << 20
	// lookEvery is how often we look how full the disk is, while there is something to write.
	lookEvery = time.Second
	// memoryBytes bounds what is kept when there is no disk.
	memoryBytes = 16 << 20
)

// A room knows how large the file may be.
type room struct {
	folder string
	max    int64
	statfs func(path string, to *unix.Statfs_t) error

	looked time.Duration // when
	low    bool          // the disk has less free than we leave to others: the file must not grow
	until  time.Duration // when the disk refused to take more, it stays full until then
	full   bool          // it did
	memory bool          // there is no disk
}

func (r *room) ballast() string { return filepath.Join(r.folder, ballastName) }

// limit tells how many pages the database may have, which has all now.
func (r *room) limit(all int64) int64 {
	switch {
	case r.memory:
		return r.memoryPages()
	case r.full:
		return min(max(all, leastSlots+leastSlots/4), (r.max-overhead)/pageSize)
	case r.low:
		return min(max(all, leastBytes/pageSize), (r.max-overhead)/pageSize)
	}
	return (r.max - overhead) / pageSize
}

// memoryPages is how many pages there may be when there is no disk: no more than would fit into the file later.
func (r *room) memoryPages() int64 { return min(memoryBytes, r.max-overhead) / pageSize }

// useful tells how many parts fit into so many pages, about: SQLite needs some for itself.
func useful(pages int64) int64 { return max(0, pages-pages/32-8) }

// look looks at the disk if it has not just done so, and tells whether it did.
func (r *room) look(s *store, now time.Duration) bool {
	if r.memory || r.looked != 0 && now < r.looked+lookEvery {
		return false
	}
	r.looked = max(now, 1)
	var disk unix.Statfs_t
	if err := r.statfs(r.folder, &disk); err == nil {
		free, leave := diskspace.Of(disk)
		if sizeOf(r.ballast()) == 0 {
			leave += ballastBytes // what was given up is for the log, not for more results
		}
		r.low, r.full = free < leave, now < r.until
		if !r.low && !r.full && free > leave+2*ballastBytes {
			r.takeBallast()
		}
	}
	r.apply(s)
	return true
}

// filled notes that the disk took no more, and gives up the ballast for the log, which can start anew then. It tells whether even that
// was of no use: then nothing can be written, whatever is dropped.
func (r *room) filled(s *store, now time.Duration) (stuck bool) {
	r.full, r.until = true, now+5*time.Second
	_ = os.Remove(r.ballast())
	_, err := s.checkpoint(0)
	r.apply(s)
	return isFull(err)
}

// apply makes SQLite refuse what is over the limit.
func (r *room) apply(s *store) {
	if all, _, err := s.pages(); err == nil {
		_ = s.limit(r.limit(all))
	}
}

// takeBallast takes room on the disk that we can give up. A file system that cannot do that without writing goes without.
func (r *room) takeBallast() {
	if sizeOf(r.ballast()) == ballastBytes {
		return
	}
	file, err := os.OpenFile(r.ballast(), os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		return
	}
	defer file.Close()
	if err := unix.Fallocate(int(file.Fd()), 0, 0, ballastBytes); err != nil {
		_ = os.Remove(r.ballast())
	}
}

// removeIfThere removes a file that may not exist.
func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

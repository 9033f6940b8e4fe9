package file

import (
	"bytes"
	"context"
	"sync/atomic"
	"syscall"
)

// A Disk stands between a sink and the real one.
type Disk struct {
	full  bool
	lines int // that still fit
	fail  error
	Syncs atomic.Int64
}

// Between puts a disk without faults below a sink.
func Between(s *Sink) *Disk {
	d := &Disk{}
	s.wrap = func(f file) file { return &onDisk{f, d} }
	return d
}

// FullAfterLines makes room for n more lines, and a piece of the next.
func (d *Disk) FullAfterLines(n int) { d.full, d.lines = true, n }

// FailSync makes each sync fail, as it does when the disk has lost what was written.
func (d *Disk) FailSync() { d.fail = syscall.EIO }

// Repair ends all faults.
func (d *Disk) Repair() { d.full, d.fail = false, nil }

// Open tells how many files a sink has open.
func Open(s *Sink) int { return len(s.logs) }

// Wait waits until what was put aside is tidied up.
func Wait(s *Sink) { s.tidy.work.Wait() }

// TidyUp removes all but one of what was put aside of a name, and compresses that.
func TidyUp(folder, name string) error {
	return tidyUp(context.Background(), folder, name, Rotate{Keep: 1, Gzip: true})
}

// Clean makes a name part of a file name.
var Clean = clean

type onDisk struct {
	file
	disk *Disk
}

func (f *onDisk) Write(p []byte) (int, error) {
	if !f.disk.full {
		return f.file.Write(p)
	}
	n := 0
	for ; f.disk.lines > 0 && n < len(p); f.disk.lines-- {
		n += bytes.IndexByte(p[n:], '\n') + 1
	}
	if n == len(p) {
		return f.file.Write(p)
	}
	n, err := f.file.Write(p[:n+(len(p)-n)/3%100])
	if err == nil {
		err = syscall.ENOSPC
	}
	return n, err
}

func (f *onDisk) Sync() error {
	f.disk.Syncs.Add(1)
	if f.disk.fail != nil {
		return f.disk.fail
	}
	return f.file.Sync()
}

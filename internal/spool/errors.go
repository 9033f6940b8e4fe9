package spool

import (
	"database/sql"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

var (
	// ErrFull is the fate of a result for which there was no room: it was dropped.
	ErrFull = errors.New("the spool is full")
	// ErrTooLarge is the fate of a result of more than 1 MiB: it was dropped.
	ErrTooLarge = errors.New("the result is too large for the spool")
	// ErrClosed is the fate of a result that came after Close, or that could not be written before its end.
	ErrClosed = errors.New("the spool is closed")

	errDamaged = errors.New("the spool is damaged")
	errMoved   = fmt.Errorf("%w: a result is not where it should be", errDamaged)
	errForeign = errors.New("the spool is not one of this version")
	errGone    = errors.New("the file of the spool was removed or replaced")
	errSwap    = errors.New("the spool was being replaced when the process ended")
)

// isFull tells whether there was no room on the disk, or below our own limit.
func isFull(err error) bool {
	switch sqliteCode(err) {
	case codes.SQLITE_FULL, codes.SQLITE_IOERR_SHMSIZE:
		return true
	}
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

// isBusy tells whether another process has the file just now, such as somebody with a SQLite shell.
func isBusy(err error) bool {
	switch sqliteCode(err) & 0xff {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED:
		return true
	}
	return false
}

// isDamage tells whether an error is about what is in the file, so that another file will do better.
func isDamage(err error) bool {
	switch sqliteCode(err) & 0xff {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB, codes.SQLITE_FORMAT, codes.SQLITE_ERROR, codes.SQLITE_SCHEMA, codes.SQLITE_MISMATCH,
		codes.SQLITE_TOOBIG, codes.SQLITE_CONSTRAINT, codes.SQLITE_INTERNAL:
		return true
	}
	switch sqliteCode(err) {
	case codes.SQLITE_IOERR_READ, codes.SQLITE_IOERR_SHORT_READ, codes.SQLITE_IOERR_WRITE, codes.SQLITE_IOERR_FSYNC, codes.SQLITE_IOERR_CORRUPTFS,
		codes.SQLITE_IOERR_DATA:
		return true
	}
	return errors.Is(err, errDamaged) || errors.Is(err, errForeign) || errors.Is(err, sql.ErrNoRows) || errors.Is(err, unix.EIO)
}

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

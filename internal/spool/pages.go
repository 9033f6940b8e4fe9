package spool

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
)

// pages tells how long the database is and how much of that is free, in pages.
func (s *store) pages() (all, free int64, err error) {
	if all, err = s.number("PRAGMA page_count"); err != nil {
		return 0, 0, err
	}
	free, err = s.number("PRAGMA freelist_count")
	return all, free, err
}

// limit forbids the database to become longer than so many pages.
func (s *store) limit(pages int64) error {
	return s.exec(fmt.Sprintf("PRAGMA max_page_count=%d", max(1, min(pages, unlimited))))
}

// checkpoint writes the log into the database when it has at least so many frames, so that it can start anew. It tells whether it did. Unlike
// SQLite's own it tells its errors, which are those of fsync among others.
func (s *store) checkpoint(frames int) (bool, error) {
	var busy, logged, done int
	ask := func(mode string) error {
		return s.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint("+mode+")").Scan(&busy, &logged, &done)
	}
	if err := ask("NOOP"); err != nil || logged-done <= 0 || logged < frames {
		return false, err
	}
	return true, ask("PASSIVE")
}

// shrink gives the free pages back to the file system. It copies what is left, so there had better be little.
func (s *store) shrink() error {
	if err := s.exec("VACUUM"); err != nil {
		return err
	}
	_, err := s.checkpoint(0)
	return err
}

// size is what the files of the database take, in bytes.
func (s *store) size() int64 {
	if s.path == "" {
		all, _, _ := s.pages()
		return all * pageSize
	}
	return sizeOf(s.path) + sizeOf(s.path+"-wal")
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// gone tells whether somebody removed or replaced the file or its log. SQLite would go on to write into what has no name any more.
func (s *store) gone() bool {
	if s.path == "" {
		return false
	}
	file, err := os.Stat(s.path)
	log, logErr := os.Stat(s.path + "-wal")
	ours, ourErr := s.wal.Stat()
	return errors.Join(err, logErr, ourErr) != nil || !os.SameFile(file, s.inode) || !os.SameFile(log, ours)
}

// fileURI is a path as SQLite wants it to have parameters.
func fileURI(path, mode string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=" + mode}).String()
}

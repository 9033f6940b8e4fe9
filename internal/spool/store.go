package spool

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

const (
	// pageSize is small because SQLite writes whole pages: at one result a second, which is the usual rate, a page of 4096 bytes would mean
	// six bytes written for each of a result.
	pageSize = 1024
	// walFrames is how long the write-ahead log gets before its pages go into the database: 1 MiB.
	walFrames = 1000
	walBytes  = walFrames * (pageSize + 24)
	walHead   = 32 // bytes before the first frame
	// unlimited is the most that SQLite takes as max_page_count.
	unlimited = 1<<32 - 2

	schemaVersion = 1
	schema        = `BEGIN IMMEDIATE; CREATE TABLE parts(slot INTEGER PRIMARY KEY, part BLOB NOT NULL); PRAGMA user_version=1; COMMIT`
)

// A store is one SQLite database of slots, each of which holds one part; in a file, or in memory when it has no path. It knows nothing of what
// the parts mean. Except for sync, one goroutine uses it at a time.
type store struct {
	path          string
	db            *sql.DB
	conn          *sql.Conn
	put, get, del *sql.Stmt
	wal           *os.File // of our own, to sync it while SQLite goes on
	inode         os.FileInfo
}

// A row is a part and where it goes.
type row struct {
	slot uint32
	part []byte
}

// openStore opens the database at path, or makes it. What SQLite finds wrong with the file is an error that isDamage knows.
func openStore(path string) (*store, error) {
	s := &store{path: path}
	if err := s.open(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *store) open() error {
	name, names := ":memory:", 0
	if s.path != "" {
		names = countFiles(s.path, s.path+"-wal")
		if err := makeFile(s.path); err != nil {
			return err
		}
		name = fileURI(s.path, "rw")
	}
	if err := s.connect(name); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return fmt.Errorf("opening the spool %s: %w", s.path, err)
	}
	if s.path == "" {
		return nil
	}
	var err error
	if s.inode, err = os.Stat(s.path); err != nil {
		return err
	}
	if s.wal, err = os.Open(s.path + "-wal"); err != nil {
		return fmt.Errorf("opening the log of the spool: %w", err)
	}
	if names == 2 { // both names last already, and the sync of a folder may take seconds on a busy disk
		return nil
	}
	return syncFolder(filepath.Dir(s.path))
}

// countFiles tells how many of some files there are.
func countFiles(paths ...string) (n int) {
	for _, path := range paths {
		if _, err := os.Lstat(path); err == nil {
			n++
		}
	}
	return n
}

// makeFile makes an empty file unless there is one, so that it is SQLite's with our permissions.
func makeFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

func (s *store) connect(name string) (err error) {
	if s.db, err = sql.Open("sqlite", name); err != nil {
		return err
	}
	s.db.SetMaxOpenConns(1)
	s.conn, err = s.db.Conn(context.Background())
	return err
}

// configure sets what SQLite does not keep in the file, makes the table of a new file, and prepares what is asked often.
func (s *store) configure() error {
	for _, pragma := range []string{
		fmt.Sprintf("page_size=%d", pageSize), "journal_mode=WAL",
		"synchronous=NORMAL",   // syncs around a checkpoint, so that the file is whole after a power cut; the rest is ours, see sync
		"wal_autocheckpoint=0", // because SQLite would keep an error of it to itself
		// The log keeps its length when it starts anew: what has room to write once has it always, even on a full disk.
		fmt.Sprintf("journal_size_limit=%d", walBytes),
		"cache_size=-2048", "temp_store=MEMORY", "mmap_size=0", "cell_size_check=ON", "busy_timeout=2000",
	} {
		if err := s.exec("PRAGMA " + pragma); err != nil {
			return err
		}
	}
	version, err := s.number("PRAGMA user_version")
	if err == nil && version == 0 {
		err = s.exec(schema)
	} else if err == nil && version != schemaVersion {
		err = fmt.Errorf("%w: its version is %d, not %d", errForeign, version, schemaVersion)
	}
	if err != nil {
		return err
	}
	return errors.Join(
		s.prepare(&s.put, "INSERT OR REPLACE INTO parts VALUES(?,?)"), s.prepare(&s.get, "SELECT part FROM parts WHERE slot=?"),
		s.prepare(&s.del, "DELETE FROM parts WHERE slot=?"))
}

func (s *store) prepare(to **sql.Stmt, text string) (err error) {
	*to, err = s.conn.PrepareContext(context.Background(), text)
	return err
}

// write puts parts into slots, whatever was there, and empties others, all or nothing. When it returns nil the kernel has it: it survives
// the end of this process, and a power cut once sync has returned nil as well.
func (s *store) write(rows []row, empty []uint32) error {
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := s.change(rows, empty)
	if err == nil {
		err = s.exec("COMMIT")
	}
	if err != nil {
		_ = s.exec("ROLLBACK") // fails where SQLite has rolled back by itself
	}
	return err
}

func (s *store) change(rows []row, empty []uint32) error {
	for _, slot := range empty {
		if _, err := s.del.Exec(slot); err != nil {
			return err
		}
	}
	for _, r := range rows {
		if _, err := s.put.Exec(r.slot, r.part); err != nil {
			return err
		}
	}
	return nil
}

// read returns what is in a slot; sql.ErrNoRows when nothing is.
func (s *store) read(slot uint32) (part []byte, err error) {
	err = s.get.QueryRow(slot).Scan(&part)
	return part, err
}

// assemble reads a record that is in these slots. An error is one that isDamage knows, unless the disk does not answer.
func (s *store) assemble(k kind, position uint64, slots []uint32) ([]byte, error) {
	var record []byte
	for i, slot := range slots {
		text, err := s.read(slot)
		if err != nil {
			return nil, fmt.Errorf("reading slot %d of the spool: %w", slot, err)
		}
		p, size, ok := parsePart(text)
		if !ok || size != len(text) {
			return nil, fmt.Errorf("%w: the checksum of slot %d is wrong", errDamaged, slot)
		}
		if p.kind != k || p.position != position || int(p.index) != i || int(p.count) != len(slots) {
			return nil, fmt.Errorf("%w: slot %d has something else in it", errMoved, slot)
		}
		record = append(record, p.data...)
	}
	return record, nil
}

// each calls visit for every slot that has something in it. What visit gets is only good until it returns.
func (s *store) each(visit func(slot int64, part []byte)) error {
	rows, err := s.conn.QueryContext(context.Background(), "SELECT slot, part FROM parts")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var slot int64
		var part sql.RawBytes
		if err := rows.Scan(&slot, &part); err != nil {
			return err
		}
		visit(slot, part)
	}
	return rows.Err()
}

// check looks whether the file is in order as far as SQLite can see, which is not the content of the parts.
func (s *store) check() error {
	var verdict string
	if err := s.conn.QueryRowContext(context.Background(), "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w: %s", errDamaged, verdict)
	}
	return nil
}

// sync puts on disk what was written before. An error means that it may never get there, and that asking again would prove nothing.
// It may be called beside the other methods.
func (s *store) sync(fdatasync func(fd int) error) error {
	if s.wal == nil {
		return nil
	}
	wal, err := s.wal.SyscallConn()
	if err != nil {
		return err
	}
	var result error
	err = wal.Control(func(fd uintptr) { // which keeps the file open
		for result = fdatasync(int(fd)); errors.Is(result, unix.EINTR); result = fdatasync(int(fd)) {
		}
	})
	if err := errors.Join(err, result); err != nil {
		return fmt.Errorf("syncing the spool: %w", err)
	}
	return nil
}

func (s *store) exec(text string) error {
	_, err := s.conn.ExecContext(context.Background(), text)
	return err
}

func (s *store) number(query string) (n int64, err error) {
	err = s.conn.QueryRowContext(context.Background(), query).Scan(&n)
	return n, err
}

// close writes the log into the file and closes it, as far as that is possible. Without an error the file is all there is, and on disk.
func (s *store) close() error {
	var errs []error
	if s.conn != nil && s.path != "" {
		_, err := s.checkpoint(0)
		errs = append(errs, err)
	}
	for _, statement := range []*sql.Stmt{s.put, s.get, s.del} {
		if statement != nil {
			statement.Close()
		}
	}
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.wal != nil {
		s.wal.Close()
	}
	return errors.Join(errs...)
}

// syncFolder makes the names of new and renamed files last.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some network file systems cannot sync a folder
		return fmt.Errorf("syncing the folder of the spool: %w", err)
	}
	return nil
}

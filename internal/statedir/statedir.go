// Package statedir is the folder that the agent keeps its state in. Only one process has it at a time.
package statedir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process has the folder.
var ErrLocked = errors.New("another overshoot-agent runs there")

// lockName is the file whose lock stands for the whole folder. It is never removed: a process could then lock the file that is gone.
const lockName = "lock"

// A Dir is a folder that this process has to itself, until Close or the end of the process, whatever ends it.
type Dir struct {
	path string
	lock *os.File
}

// Open makes the folder at path unless it exists, and takes it. It does not wait: the error wraps ErrLocked when another process has it,
// and is that of the file system when the folder cannot be used.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o750); err != nil {
		return nil, fmt.Errorf("making the state folder: %w", err)
	}
	name := filepath.Join(path, lockName)
	lock, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		lock, err = os.Open(name) // one that was made before the file system became read-only can be locked all the same
	}
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the state folder: %w", err)
	}
	if err := take(lock, path); err != nil {
		lock.Close()
		return nil, err
	}
	return &Dir{path: path, lock: lock}, nil
}

// take locks the file and writes our pid into it. The lock belongs to the open file, so it ends with the process; the pid is for people.
func take(lock *os.File, path string) error {
	err := ignoringSignals(func() error { return unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("state folder %s: %w%s", path, ErrLocked, holder(lock))
	}
	if err != nil {
		return fmt.Errorf("locking the state folder %s: %w", path, err)
	}
	// A full disk may have no room for the pid. The lock holds all the same.
	_ = lock.Truncate(0)
	_, _ = lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return nil
}

func ignoringSignals(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// holder tells which process has the folder, or nothing when the file does not say.
func holder(lock *os.File) string {
	text, _ := io.ReadAll(io.LimitReader(lock, 32))
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid <= 0 {
		return ""
	}
	return fmt.Sprintf(" (pid %d)", pid)
}

// Path returns where a file of the folder is.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Close lets other processes have the folder.
func (d *Dir) Close() error { return d.lock.Close() }

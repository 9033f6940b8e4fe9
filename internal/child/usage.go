package child

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// usage reads the processor time of a running process. Its file stays open: when the process is gone, reading fails, and never
// speaks of another that got its id.
type usage struct {
	stat *os.File
	last time.Duration
}

func newUsage(pid int) (*usage, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	return &usage{stat: f}, nil
}

// read returns what it used so far, or what it was when it was last asked. It belongs to one goroutine.
func (u *usage) read() time.Duration {
	var text [1024]byte
	n, err := u.stat.ReadAt(text[:], 0)
	if n > 0 && (err == nil || n < len(text)) {
		if used, ok := parseStat(text[:n]); ok {
			u.last = used
		}
	}
	return u.last
}

// parseStat finds utime and stime in the text of /proc/PID/stat (proc(5)): fields 14 and 15, counted after the name, which may hold
// anything.
func parseStat(text []byte) (time.Duration, bool) {
	const perSecond = 100 // USER_HZ, the same on every architecture that Go runs on
	name := bytes.LastIndexByte(text, ')')
	if name < 0 {
		return 0, false
	}
	fields := bytes.Fields(text[name+1:])
	if len(fields) < 13 {
		return 0, false
	}
	var ticks uint64
	for _, field := range fields[11:13] {
		n, err := strconv.ParseUint(string(field), 10, 64)
		if err != nil {
			return 0, false
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / perSecond), true
}

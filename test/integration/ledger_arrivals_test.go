package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

// arrivals are what one sink has got, in this order. They are safe for concurrent use.
type arrivals struct {
	name string

	mu     sync.Mutex
	all    []arrival
	broken []string          // what came and is no result
	first  map[int64]arrival // the first of each serial number
	path   string            // of the result file, where the sink is one
	read   map[uint64]int64  // by inode, how far the result files were read
}

// An arrival is one result that a sink took. The same may arrive several times.
type arrival struct {
	at       time.Time
	id       string
	subject  string
	sequence int
	serial   int64
	stream   string
	content  string
	replayed bool
	text     string // as it came, but for the mark of a replay
}

// take notes that the sink has taken a text: one result or a list of them.
func (a *arrivals) take(text []byte) { a.add(readArrivals(text)) }

// add notes what was read of a text.
func (a *arrivals) add(read []arrival, broken []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.note(read, broken)
}

// note is add for those who hold the lock.
func (a *arrivals) note(read []arrival, broken []string) {
	if a.first == nil {
		a.first = map[int64]arrival{}
	}
	for _, r := range read {
		if _, again := a.first[r.serial]; !again {
			a.first[r.serial] = r
		}
	}
	a.all, a.broken = append(a.all, read...), append(a.broken, broken...)
}

// readArrivals reads one result or a list of them. broken is what is none.
func readArrivals(text []byte) (read []arrival, broken []string) {
	items := []json.RawMessage{text}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var list []json.RawMessage
		if json.Unmarshal(text, &list) == nil { // else it is found to be no result
			items = list
		}
	}
	for _, item := range items {
		r, err := readArrival(item)
		if err != nil {
			broken = append(broken, err.Error()+" in "+string(item))
			continue
		}
		read = append(read, r)
	}
	return read, broken
}

func readArrival(text []byte) (arrival, error) {
	e, err := parseEvent(text)
	if err != nil {
		return arrival{}, err
	}
	r := arrival{
		at: time.Now(), id: e.ID, subject: e.Subject, serial: serialOf(e.Data.Result), stream: e.Data.StreamID, content: string(e.Data.Result),
		replayed: e.Data.Replayed != nil && *e.Data.Replayed, text: strings.TrimSpace(strings.Replace(string(text), `"replayed":true`, `"replayed":false`, 1)),
	}
	if _, err := fmt.Sscanf(e.Sequence, "%d", &r.sequence); err != nil {
		return arrival{}, fmt.Errorf("reading the sequence %q: %w", e.Sequence, err)
	}
	return r, nil
}

func parseEvent(text []byte) (e event, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err = decoder.Decode(&e); err != nil {
		return e, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return e, errors.New("more than one result")
	}
	return e, nil
}

// delay is how long after its result was made this arrived. Its id tells when that was, in milliseconds.
func (r arrival) delay() time.Duration {
	id, err := uuid.Parse(r.id)
	if err != nil {
		return 0
	}
	sec, nsec := id.Time().UnixTime()
	return r.at.Sub(time.Unix(sec, nsec))
}

func (a *arrivals) list() (all []arrival, broken []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.all), slices.Clone(a.broken)
}

// serials returns the first arrival of each serial number.
func (a *arrivals) serials() map[int64]arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	return maps.Clone(a.first)
}

// has tells whether a serial number has arrived.
func (a *arrivals) has(serial int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, ok := a.first[serial]
	return ok
}

// duplicates counts what came although it had come before, other than by a replay.
func (a *arrivals) duplicates() (n int) {
	all, _ := a.list()
	seen := map[string]bool{}
	for _, r := range all {
		if seen[r.id] && !r.replayed {
			n++
		}
		seen[r.id] = true
	}
	return n
}

// disorder tells of each result that arrived for the first time after a younger one of its camera and watch. What was replayed is out of
// order by nature.
func (a *arrivals) disorder() (violations []string) {
	all, _ := a.list()
	seen, last := map[string]bool{}, map[string]arrival{}
	for _, r := range all {
		if seen[r.id] || r.replayed {
			continue
		}
		seen[r.id] = true
		if before := last[r.subject]; before.sequence >= r.sequence || before.serial >= r.serial {
			violations = append(violations, fmt.Sprintf("%s: sequence %d (answer %d) arrived after %d (answer %d)",
				r.subject, r.sequence, r.serial, before.sequence, before.serial))
		}
		last[r.subject] = r
	}
	return violations
}

// delays are those of the first arrivals of what was answered within some times.
func (l *ledger) delays(a *arrivals, times [][2]time.Time) (d durations) {
	for serial, r := range a.serials() {
		at := l.issued[serial].at
		if slices.ContainsFunc(times, func(t [2]time.Time) bool { return at.After(t[0]) && at.Before(t[1]) }) {
			d = append(d, r.delay())
		}
	}
	return d
}

// file makes a sink known that appends to a file. Its lines are taken whenever the ledger is refreshed, also of files that were put aside.
func (l *ledger) file(name, path string) *arrivals {
	a := l.sink(name)
	a.path, a.read = path, map[uint64]int64{}
	return a
}

// follow looks at the file often from now on, until the test ends, so that the times of arrivals are right to a few milliseconds.
func (a *arrivals) follow(t *testing.T) {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				a.refresh(t)
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-ended })
}

// refresh takes what is new in the files.
func (a *arrivals) refresh(t *testing.T) {
	t.Helper()
	if a.path == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, line := range a.newLines(t) {
		a.note(readArrivals(line))
	}
}

// newLines returns the whole lines that were not read yet, the oldest first. The lock is held. The newest file is opened before the others
// are listed, so that nothing of it is passed over when it is put aside meanwhile.
func (a *arrivals) newLines(t *testing.T) (lines [][]byte) {
	newest, err := os.Open(a.path)
	if err == nil {
		defer newest.Close()
	}
	aside, _ := filepath.Glob(strings.TrimSuffix(a.path, filepath.Ext(a.path)) + "-*" + filepath.Ext(a.path))
	slices.Sort(aside)
	for _, path := range aside {
		if file, err := os.Open(path); err == nil {
			lines = append(lines, a.linesOf(t, file)...)
			file.Close()
		}
	}
	if newest != nil {
		lines = append(lines, a.linesOf(t, newest)...)
	}
	return lines
}

func (a *arrivals) linesOf(t *testing.T, file *os.File) (lines [][]byte) {
	info, err := file.Stat()
	if err != nil {
		t.Errorf("reading the result file: %v", err)
		return nil
	}
	inode := info.Sys().(*syscall.Stat_t).Ino
	from := a.read[inode]
	if info.Size() <= from {
		return nil
	}
	text := make([]byte, info.Size()-from)
	n, _ := file.ReadAt(text, from)
	text = text[:bytes.LastIndexByte(text[:n], '\n')+1]
	for line := range bytes.Lines(text) {
		lines = append(lines, line)
	}
	a.read[inode] = from + int64(len(text))
	return lines
}

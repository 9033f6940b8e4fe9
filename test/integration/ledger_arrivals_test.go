package integration

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
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

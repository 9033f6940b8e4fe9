package spool

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

// A View is a spool as it was at one moment, for people to look at. It changes nothing, and may be taken while an agent uses the spool; what
// all sinks have taken since is left out.
type View struct {
	// Damage says what is wrong with the file, or is nil. Then the view has what is readable all the same.
	Damage error

	path  string
	store *store
	book  *book
}

// LookAt takes a view of the file at path, be it in use or set aside. It must be closed.
func LookAt(path string) (*View, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("looking at the spool: %w", err)
	}
	v := &View{path: path}
	age := func(accepted time.Time) time.Duration { return time.Duration(accepted.UnixNano()) }
	var err error
	if v.store, err = openToRead(path); err == nil {
		if err = v.store.check(); err == nil {
			v.book, err = load(v.store, age)
		}
	}
	if err == nil {
		return v, nil
	}
	if v.store != nil {
		v.store.close()
	}
	if !isDamage(err) {
		return nil, fmt.Errorf("looking at the spool: %w", err)
	}
	v.Damage = err
	return v, v.gather(age)
}

// gather reads the parts of a damaged file into memory.
func (v *View) gather(age func(time.Time) time.Duration) (err error) {
	if v.store, err = openStore(""); err != nil {
		return err
	}
	if err = fill(v.store, v.path, v.path+"-wal"); err == nil {
		if v.book, err = load(v.store, age); isDamage(err) {
			err = nil // the damage is known
		}
	}
	if err != nil {
		v.store.close()
	}
	return err
}

// openToRead opens a file that another process may write. There is no transaction around all that is read, because the log could not start
// anew until its end, which a person who pages through the results might put off for hours.
func openToRead(path string) (*store, error) {
	s := &store{} // without a path, because it must not end in a checkpoint
	err := s.connect(fileURI(path, "ro"))
	if err == nil {
		err = errors.Join(s.exec("PRAGMA busy_timeout=2000"), s.exec("PRAGMA cell_size_check=ON"))
	}
	if err == nil {
		err = s.prepare(&s.get, "SELECT part FROM parts WHERE slot=?")
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// Close ends the view.
func (v *View) Close() error { return v.store.close() }

// A SinkView is what one sink waits for.
type SinkView struct {
	Name        string
	Waiting     int
	Oldest      time.Time // when the oldest that waits was accepted; zero when nothing waits
	DeadLetters int
}

// Sinks are all sinks that the file knows, by name.
func (v *View) Sinks() (all []SinkView) {
	letters := map[string]int{}
	for _, l := range v.book.letters {
		letters[l.sink]++
		v.book.shelf(l.sink)
	}
	for _, s := range v.book.shelves {
		view := SinkView{Name: s.name, Waiting: s.count, DeadLetters: letters[s.name]}
		if first := v.book.first(s, 1); len(first) > 0 {
			view.Oldest = time.Unix(0, int64(first[0].accepted))
		}
		all = append(all, view)
	}
	slices.SortFunc(all, func(a, b SinkView) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Waiting is how many results wait for at least one sink.
func (v *View) Waiting() int { return len(v.book.entries) - v.book.void }

// Bytes is the size of the file and its log.
func (v *View) Bytes() int64 { return sizeOf(v.path) + sizeOf(v.path+"-wal") }

// SetAside are the damaged files that lie beside the file.
func (v *View) SetAside() []string {
	files, _ := filepath.Glob(v.path + ".corrupt-*Z")
	return files
}

// Results calls use for each result that waits for a sink, or for any when sink is "", oldest first, until use returns an error. One that is
// not whole is an error too, but the others come all the same.
func (v *View) Results(sink string, use func(result.Result) error) error {
	var broken []error
	for i := range v.book.entries {
		e := &v.book.entries[i]
		s := v.book.byName[sink]
		if e.waiting == 0 || sink != "" && (s == nil || e.waiting&s.bit == 0) {
			continue
		}
		text, err := v.store.assemble(kindResult, e.position, e.slots())
		if isGone(err) {
			continue
		}
		var r result.Result
		if err == nil {
			r, err = parseResult(text)
		}
		if err != nil {
			broken = append(broken, err)
		} else if err := use(r); err != nil {
			return err
		}
	}
	return errors.Join(broken...)
}

// A DeadLetter is a result that a sink will not take.
type DeadLetter struct {
	Sink     string        `json:"sink"`
	Reason   string        `json:"reason"`
	Attempts int           `json:"attempts"`
	Time     time.Time     `json:"time"` // when it was given up
	Event    result.Result `json:"event"`
}

// DeadLetters calls use for each dead letter of a sink, or of all when sink is "", like Results.
func (v *View) DeadLetters(sink string, use func(DeadLetter) error) error {
	var broken []error
	for _, l := range v.book.letters {
		if sink != "" && l.sink != sink {
			continue
		}
		d, err := readLetter(v.store, l)
		if isGone(err) {
			continue
		}
		if err != nil {
			broken = append(broken, err)
		} else if err := use(d); err != nil {
			return err
		}
	}
	return errors.Join(broken...)
}

// isGone tells whether a slot has another use since the view was taken. Damage looks different, because the view was made of what is in the
// slots.
func isGone(err error) bool { return errors.Is(err, errMoved) || errors.Is(err, sql.ErrNoRows) }

func readLetter(s *store, l letter) (DeadLetter, error) {
	text, err := s.assemble(kindDead, l.number, l.slots)
	if err != nil {
		return DeadLetter{}, err
	}
	d, err := decodeDead(text)
	if err != nil {
		return DeadLetter{}, err
	}
	out := DeadLetter{Sink: d.sink, Reason: d.reason, Attempts: d.attempts, Time: d.died.UTC()}
	err = out.Event.UnmarshalJSON(d.body)
	return out, err
}

func parseResult(text []byte) (r result.Result, err error) {
	rec, err := decodeRecord(text)
	if err != nil {
		return r, err
	}
	err = r.UnmarshalJSON(rec.body)
	return r, err
}

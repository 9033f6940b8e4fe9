package lease

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
	"github.com/overshoot-ai/overshoot-agent/internal/status"
	"github.com/overshoot-ai/overshoot-agent/internal/wake"
	"go.uber.org/zap"
)

// JournalKind is the part of the status board that shows whether the journal gets onto the disk.
var JournalKind = status.Kind{Name: "journal", States: []string{"ok", "failing"}}

const (
	patience   = 5 * time.Second // for the disk; the cameras go on without it then
	rewriteGap = 5 * time.Second // between tries to write while that fails and nothing changes
)

// JournalOptions are what a journal is made of.
type JournalOptions struct {
	Folder  string // that leases.json is in; "": the journal lives in memory only
	Clock   wake.Clock
	Part    *status.Part // of JournalKind
	Metrics *JournalMetrics
	Log     *zap.Logger
}

// A Journal knows each stream that exists or may exist, on disk: a create is noted before it is sent and the stream's id before it is
// used, and a stream is forgotten only when it is gone. It is written when one of these happens and at no other time; a keepalive writes
// nothing. No token is ever in it.
//
// Its methods may be called from any goroutine. Where the disk fails or hangs, the journal goes on in memory and says so on the board.
type Journal struct {
	clock   wake.Clock
	part    *status.Part
	metrics *JournalMetrics
	log     *zap.Logger
	save    func(text []byte) error // nil: nowhere

	mu      sync.Mutex
	entries []Entry // in the order in which they were made
	last    uint64
	next    chan struct{} // closed when the changes made since the last write began have been written, or that has failed
	writing bool
	hung    bool        // the write that goes on has taken longer than anybody's patience
	again   *time.Timer // the next try after a failure
}

// OpenJournal reads the journal in the folder. It always returns one: a file that cannot be read is set aside, counted and logged, and
// what could be read of it stays. An intent in it is forgotten by the journal itself when its time is over; all other entries are for the
// caller to adopt or to delete.
func OpenJournal(o JournalOptions) *Journal {
	j := &Journal{clock: o.Clock, part: o.Part, metrics: o.Metrics, log: o.Log}
	if o.Folder == "" {
		return j
	}
	file := journalFile{folder: o.Folder}
	j.save = file.write
	file.sweep()
	text, err := file.read()
	var entries []Entry
	if err == nil && text != nil {
		entries, err = decode(text, o.Clock)
	}
	if err != nil {
		to, notMoved := file.setAside()
		j.metrics.damaged.Inc()
		j.log.Error("the journal of streams is damaged and was set aside; a stream it does not tell of ends by itself",
			zap.String("as", to), zap.Int("still_readable", len(entries)), zap.Error(errors.Join(err, notMoved)))
	}
	for _, e := range entries {
		e = j.add(e)
		j.expire(e)
	}
	if err != nil && len(entries) > 0 {
		j.await(j.change(func() {}))
	}
	return j
}

// Entries returns all entries, oldest first.
func (j *Journal) Entries() []Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.entries)
}

// Remaining returns for how long at most there is still a stream, unless a keepalive is sent. For a stream of an earlier process that is
// the whole lease from now on, because nobody noted its last keepalive.
func (j *Journal) Remaining(e Entry) time.Duration {
	if newest, ok := j.find(e); ok {
		e = newest
	}
	return max(0, e.over-j.clock.Uptime())
}

// Adoptable returns the newest stream of a camera that nobody deletes: a Keeper adopts it when it is run with a slot on its key.
func (j *Journal) Adoptable(camera string) (Entry, bool) {
	return j.newest(func(e Entry) bool { return e.Camera == camera })
}

func (j *Journal) adoptableOn(at Place) (Entry, bool) {
	return j.newest(func(e Entry) bool { return e.Camera == at.Camera && e.Key == at.Key })
}

func (j *Journal) newest(is func(Entry) bool) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range slices.Backward(j.entries) {
		if e.ID != "" && !e.unwanted && is(e) {
			return e, true
		}
	}
	return Entry{}, false
}

// longestTTL is the longest lease of the key's streams, 0 when there is none.
func (j *Journal) longestTTL(key string) (longest time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, e := range j.entries {
		if e.Key == key && e.ID != "" {
			longest = max(longest, e.TTL)
		}
	}
	return longest
}

// Forget is told that a stream is gone, and blocks until that is on disk or the disk had its time.
func (j *Journal) Forget(e Entry) { j.await(j.drop(e)) }

// drop is Forget without the wait.
func (j *Journal) drop(e Entry) (written <-chan struct{}) {
	return j.change(func() {
		j.entries = slices.DeleteFunc(j.entries, func(other Entry) bool { return other.number == e.number })
	})
}

// intend notes that a create is about to be sent, and blocks until that is on disk or the disk had its time.
func (j *Journal) intend(at Place, ttl time.Duration) (e Entry) {
	e = Entry{Place: at, TTL: ttl, over: j.clock.Uptime() + toAnswer + ttl + slack}
	written := j.change(func() { e = j.addLocked(e) })
	j.expire(e) // should nobody come back to it, because of a panic
	j.await(written)
	return e
}

// created turns an intent into a stream, and blocks until that is on disk or the disk had its time.
func (j *Journal) created(e Entry, s overshoot.Stream) Entry {
	e.ID, e.Region, e.TTL, e.over = s.ID, s.Region, s.TTL, j.clock.Uptime()+s.TTL+slack
	j.await(j.change(func() { j.put(e) }))
	return e
}

// doubt notes that a create was given up: for a lease from now on there may be a stream. It returns for how long. The intent is forgotten
// after that.
func (j *Journal) doubt(e Entry) time.Duration {
	e.over = j.clock.Uptime() + e.TTL + slack
	j.note(e)
	j.expire(e)
	return e.TTL + slack
}

// seen notes what is known of a stream that is not held any more: where it lives, and for how long at most. Nothing is written for it.
func (j *Journal) seen(e Entry, s overshoot.Stream, remaining time.Duration) Entry {
	e.Region, e.TTL, e.over = s.Region, s.TTL, j.clock.Uptime()+remaining
	j.note(e)
	return e
}

// giveUp notes that a stream is being deleted, so that nobody adopts it. The next process does not know of it, and may want it again.
func (j *Journal) giveUp(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := j.index(e); i >= 0 {
		j.entries[i].unwanted = true
	}
}

// expire forgets an intent when its time is over, unless it has become a stream or got more time meanwhile. The clock behind timers stands
// still while the machine sleeps, which only makes it later.
func (j *Journal) expire(e Entry) {
	if e.ID != "" {
		return
	}
	time.AfterFunc(j.Remaining(e), func() {
		if now, ok := j.find(e); ok && now.ID == "" && j.Remaining(now) == 0 {
			j.drop(now)
		}
	})
}

func (j *Journal) find(e Entry) (Entry, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if i := j.index(e); i >= 0 {
		return j.entries[i], true
	}
	return Entry{}, false
}

func (j *Journal) add(e Entry) Entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.addLocked(e)
}

func (j *Journal) addLocked(e Entry) Entry {
	j.last++
	e.number = j.last
	j.entries = append(j.entries, e)
	return e
}

// note puts what is known now in memory, for the next write.
func (j *Journal) note(e Entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.put(e)
}

func (j *Journal) put(e Entry) {
	if i := j.index(e); i >= 0 {
		e.unwanted = j.entries[i].unwanted
		j.entries[i] = e
	}
}

func (j *Journal) index(e Entry) int {
	return slices.IndexFunc(j.entries, func(other Entry) bool { return other.number == e.number })
}

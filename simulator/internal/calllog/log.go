// Package calllog remembers the calls that came in, so that a test can look at what an agent really did.
package calllog

import (
	"sync"
	"time"
)

// Kept is how many calls are remembered; older ones are forgotten, but still counted.
const Kept = 100_000

// Operations, as an Entry names them.
const (
	OpCreate      = "create"
	OpGet         = "get"
	OpKeepalive   = "keepalive"
	OpDelete      = "delete"
	OpViewerToken = "viewer_token"
	OpModels      = "models"
	OpChat        = "chat"
	OpPricing     = "pricing"
	OpBalance     = "balance"
	OpCheckout    = "checkout"
)

// Operations returns all of them.
func Operations() []string {
	return []string{OpCreate, OpGet, OpKeepalive, OpDelete, OpViewerToken, OpModels, OpChat, OpPricing, OpBalance, OpCheckout}
}

// An Entry is one call that is over.
type Entry struct {
	N        int64     `json:"n"` // from 1, in the order in which calls ended
	At       time.Time `json:"at"`
	Op       string    `json:"op"`
	Method   string    `json:"method"`
	Path     string    `json:"path"`
	Key      string    `json:"key"`    // name of the API key; empty: none or an unknown one
	Stream   string    `json:"stream"` // the first one where a chat names several
	Region   string    `json:"region"` // as asked for in the header
	Status   int       `json:"status"` // 0: not answered
	Duration float64   `json:"duration_ms"`
	Fault    string    `json:"fault,omitempty"` // id of the fault rule that struck
	Chat     *Chat     `json:"chat,omitempty"`
}

// A Chat is what a chat call asked and got.
type Chat struct {
	Model       string   `json:"model"`
	Media       []string `json:"media"`        // the references, cut to a sane length
	PromptChars int      `json:"prompt_chars"` // characters of all text parts
	Counters    []int    `json:"counters"`     // of the frames the answer was made from; -1: no counter to be read
	// LiveCounter is the counter the camera of the last frame was at when the request arrived; -1: not known. Counters start
	// anew at picture.CounterPeriod.
	LiveCounter int       `json:"live_counter"`
	AnsweredAt  time.Time `json:"answered_at,omitzero"`
	Content     string    `json:"content"`
	Serial      int64     `json:"serial,omitempty"` // of the answer, from 1: what a property of that name got
}

// A Log is a list of calls. It is safe for concurrent use; the zero Log is ready for use.
type Log struct {
	mu      sync.Mutex
	entries []Entry
	total   int64
}

// Add appends an entry and gives it its number.
func (l *Log) Add(entry Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	entry.N = l.total
	if len(l.entries) >= Kept+Kept/10 { // forgetting a tenth at a time keeps Add cheap
		l.entries = append([]Entry(nil), l.entries[len(l.entries)-Kept+1:]...)
	}
	l.entries = append(l.entries, entry)
}

// Since returns the entries with numbers above n, the oldest first.
func (l *Log) Since(n int64) []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.total - int64(len(l.entries)) // number of the last entry forgotten
	from := min(max(n-first, 0), int64(len(l.entries)))
	return append([]Entry{}, l.entries[from:]...)
}

// Total returns how many calls there ever were.
func (l *Log) Total() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

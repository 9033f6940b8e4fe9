// Package account keeps the API keys, the users they belong to, and what those users may spend: their prepaid balance and
// their chat requests per second.
package account

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
)

// StartBalance is what a user has at first, in microcents: 100 US$.
const StartBalance int64 = 10_000_000_000

// A Key is one API key. Its name stands for it in logs and on the control endpoint; its value is shown nowhere.
type Key struct {
	Name       string
	Value      string
	User       string // empty: a key without a user, which may not create streams
	Revoked    bool
	MaxStreams int // streams it may hold; 0: as the switch max_streams_per_key says
}

// UserID returns the id of the key's user as the service shows it.
func (k Key) UserID() string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte("overshoot-simulator:user:"+k.User)).String()
}

// A Book holds all keys. It is safe for concurrent use.
type Book struct {
	mu       sync.Mutex
	keys     map[string]*Key    // by name
	balances map[string]int64   // by user, microcents
	seconds  map[string]*second // by user
}

// NewBook returns a book of these keys. Names and values must be given and differ.
func NewBook(keys ...Key) (*Book, error) {
	b := &Book{keys: map[string]*Key{}, balances: map[string]int64{}, seconds: map[string]*second{}}
	for _, key := range keys {
		if key.Name == "" || key.Value == "" {
			return nil, fmt.Errorf("API key %q: name and value must not be empty", key.Name)
		}
		for _, other := range b.keys {
			if other.Name == key.Name || other.Value == key.Value {
				return nil, fmt.Errorf("API key %q: name or value is already taken by key %q", key.Name, other.Name)
			}
		}
		b.keys[key.Name] = &key
		b.balances[key.User] = StartBalance
	}
	return b, nil
}

// Authenticate returns the key an Authorization header carries; ok is false where it is missing, unknown or revoked.
// The key is named even when it is revoked.
func (b *Book) Authenticate(header string) (key Key, ok bool) {
	scheme, value, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Key{}, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, k := range b.keys {
		if k.Value == value {
			return *k, !k.Revoked
		}
	}
	return Key{}, false
}

// Names returns the names of all keys, sorted.
func (b *Book) Names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.keys))
}

// A Change is what to change of a key; nil leaves a field as it is.
type Change struct {
	BalanceMicrocents *int64  `json:"balance_microcents"` // of the key's user
	Revoked           *bool   `json:"revoked"`
	MaxStreams        *int    `json:"max_streams"`
	User              *string `json:"user"`
}

// Update changes the named key.
func (b *Book) Update(name string, change Change) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	key, found := b.keys[name]
	if !found {
		return fmt.Errorf("no API key is called %q", name)
	}
	if change.MaxStreams != nil && *change.MaxStreams < 0 {
		return fmt.Errorf("API key %q: max_streams must not be negative", name)
	}
	if change.User != nil {
		key.User = *change.User
		if _, known := b.balances[key.User]; !known {
			b.balances[key.User] = StartBalance
		}
	}
	if change.Revoked != nil {
		key.Revoked = *change.Revoked
	}
	if change.MaxStreams != nil {
		key.MaxStreams = *change.MaxStreams
	}
	if change.BalanceMicrocents != nil {
		b.balances[key.User] = *change.BalanceMicrocents
	}
	return nil
}

// Balance returns what a user has left, in microcents. It can be negative: a request is charged when it is answered.
func (b *Book) Balance(user string) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.balances[user]
}

// Charge takes microcents from a user.
func (b *Book) Charge(user string, microcents int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.balances[user] -= microcents
}

// Package slot shares out the right to have streams. An API key allows so many streams at once; each of these is a slot, and a camera
// has one while it streams.
//
// Who streams is decided by one pure function, plan, whenever something changes: a camera comes or goes, a key is refused or works
// again, a turn is over. A Pool carries the outcome out. It recalls the slots of those who have to leave, waits until they have given
// them back, which they do when their stream is deleted, and only then hands the slots on. So the service never sees more streams than
// the key allows. A stream that may exist although nobody holds it, because a create was not answered or a delete failed, blocks a slot
// until it has certainly ended.
//
// A key that the service refuses offers nothing new until a probe, one camera's create, has shown that it works again.
package slot

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/overshoot"
)

// A Key is one API key with what it allows. Its name is its identity over reloads.
type Key struct {
	Name   string
	Slots  int // streams at once
	Client *overshoot.Client
	// Fingerprint tells keys apart without showing them: that of the key's text as it is now, "" if it cannot be read. It may read a
	// file, and is never called with a lock held. Without it a key that was refused is only tried again as time passes.
	Fingerprint func() string
}

// A Claim is a camera's wish for a slot.
type Claim struct {
	Camera   string
	Priority int // higher is served first
	// Waiting, if not nil, is told the camera's place among those who wait, at each change. It is called with the lock of the pool
	// held: it must not block nor call the pool.
	Waiting func(rank, of int)
}

// A Cause is why a slot was recalled, as a word for metrics and, as an error, a sentence for people.
type Cause string

// The causes.
const (
	CausePriority Cause = "priority" // a camera of higher priority waits
	CauseRotation Cause = "rotation" // the camera's turn is over and others wait
	CauseDark     Cause = "dark"     // the camera delivers nothing and others wait
	CauseKey      Cause = "key"      // the key allows fewer streams than it did, or is not configured any more
)

func (c Cause) Error() string {
	switch c {
	case CausePriority:
		return "slot recalled: a camera of higher priority waits for it"
	case CauseRotation:
		return "slot recalled: its turn is over and other cameras wait"
	case CauseDark:
		return "slot recalled: the camera delivers no pictures and another one waits"
	default:
		return "slot recalled: its key allows fewer streams than before"
	}
}

// A Slot is the right to have one stream on one key, from Acquire until Release. Its methods may be called from any goroutine and do not
// block. When the camera acquires again, its older Slots lose their effect.
type Slot struct {
	pool *Pool
	seat *seat
	key  Key
}

// Key returns the key as it was configured when the slot was acquired.
func (s *Slot) Key() Key { return s.key }

// Recalled is closed when the camera has to leave: it deletes its stream and then calls Release. There is no way back.
func (s *Slot) Recalled() <-chan struct{} { return s.seat.recalled }

// Reason returns the Cause of the recall, nil before that.
func (s *Slot) Reason() error {
	s.pool.mu.Lock()
	defer s.pool.mu.Unlock()
	return s.seat.reason
}

// Dark tells that the camera delivers no pictures, or delivers them again. One that stays dark gives way to any camera that waits.
func (s *Slot) Dark(dark bool) {
	if !s.pool.isDark(s, dark) {
		s.pool.change(func(now time.Time) { s.pool.darken(s, dark, now) })
	}
}

// Release gives the slot back. The stream has to be gone from the service by then. Releasing it again does nothing.
func (s *Slot) Release() { s.ReleaseAfter(0) }

// ReleaseAfter gives the slot back for a stream that may live on for d, known to nobody or being deleted by somebody else: the camera
// is free to acquire another one at once, but this one stays blocked until then.
func (s *Slot) ReleaseAfter(d time.Duration) {
	s.pool.change(func(now time.Time) { s.pool.release(s, d, now) })
}

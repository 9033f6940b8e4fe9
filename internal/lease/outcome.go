package lease

import (
	"time"
)

// Failed ends Keeper.Run when no stream could be made and none was left behind.
type Failed struct {
	Err error
	// Retry is for how long the camera has to leave creating alone. What the service asks of a whole key (401, 402, 403, 429) is not in
	// it, because the camera may be given another.
	Retry time.Duration
}

func (f *Failed) Error() string { return "no stream was made: " + f.Err.Error() }
func (f *Failed) Unwrap() error { return f.Err }

// Unknown ends Keeper.Run when a create failed in a way that may have left a stream behind, unknown to us. Its intent stays in the journal
// for as long.
type Unknown struct {
	Err   error
	For   time.Duration // until then the stream may take a slot
	Retry time.Duration // as in Failed
}

func (u *Unknown) Error() string {
	return "a stream may have been created without an answer: " + u.Err.Error()
}
func (u *Unknown) Unwrap() error { return u.Err }

// Left ends Keeper.Run when a stream that is not wanted could not be deleted. It is still in the journal, and no Run adopts it: give Entry
// to the Janitor.
type Left struct {
	Entry Entry
	Err   error
	For   time.Duration // until then the stream may take a slot
	Retry time.Duration // as in Failed; above 0 when the stream was of no use in the first place
}

func (l *Left) Error() string {
	return "the stream " + l.Entry.ID + " is left behind: " + l.Err.Error()
}
func (l *Left) Unwrap() error { return l.Err }

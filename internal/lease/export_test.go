package lease

import (
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/wake"
)

// WriteThrough makes the journal write by save, which is given the way it wrote before.
func (j *Journal) WriteThrough(save func(text []byte, write func([]byte) error) error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	write := j.save
	j.save = func(text []byte) error { return save(text, write) }
}

// Decode reads the text of a journal.
func Decode(text []byte, clock wake.Clock) ([]Entry, error) { return decode(text, clock) }

// Encode writes it.
func Encode(entries []Entry, boot string) ([]byte, error) { return encode(entries, boot) }

// RemainingAt returns for how long there may still be a stream at an uptime.
func (e Entry) RemainingAt(uptime time.Duration) time.Duration { return e.over - uptime }

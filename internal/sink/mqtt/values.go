package mqtt

import (
	"sync"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/result"
)

type valueKey struct{ camera, watch string }

// value is the last answer of a watch that was what had been asked for.
type value struct {
	asked time.Time
	text  []byte
}

// store holds the last values. Any goroutine may use it.
type store struct {
	mu     sync.Mutex
	values map[valueKey]value
}

// remember keeps a delivered result, and how it was written, as the last value of its watch, unless a newer one is known, and reports whether
// it did.
func (s *store) remember(r result.Result, text []byte) bool {
	if !r.OK {
		return false
	}
	key := valueKey{r.Camera, r.Watch}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, known := s.values[key]; known && old.asked.After(r.Time) {
		return false // this one waited for long, or is replayed
	}
	s.values[key] = value{r.Time, text}
	return true
}

// get returns the last value of a watch, nil for none.
func (s *store) get(camera, watch string) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[valueKey{camera, watch}].text
}

// keep forgets all values but those of the watches of these cameras.
func (s *store) keep(cameras []Camera) {
	s.mu.Lock()
	defer s.mu.Unlock()
	there := map[valueKey]bool{}
	for _, c := range cameras {
		for _, w := range c.Watches {
			there[valueKey{c.Name, w.Name}] = true
		}
	}
	for key := range s.values {
		if !there[key] {
			delete(s.values, key)
		}
	}
}

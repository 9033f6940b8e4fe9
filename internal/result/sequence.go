package result

import "sync"

// Sequences counts results per camera and watch. It lives as long as the process, so that a camera that is restarted goes on counting.
type Sequences struct {
	mu   sync.Mutex
	last map[[2]string]uint64
}

// NewSequences returns counters that all start at 1.
func NewSequences() *Sequences { return &Sequences{last: map[[2]string]uint64{}} }

// Next returns the next number of a camera and watch.
func (s *Sequences) Next(camera, watch string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[[2]string{camera, watch}]++
	return s.last[[2]string{camera, watch}]
}

// Continue makes the next number of a camera and watch one above last, unless it is higher already: it was counted before, in an
// earlier process.
func (s *Sequences) Continue(camera, watch string, last uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[[2]string{camera, watch}] = max(last, s.last[[2]string{camera, watch}])
}

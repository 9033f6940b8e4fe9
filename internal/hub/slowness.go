package hub

import "time"

const (
	slowWrite = 100 * time.Millisecond // so much time lost in writing, more than a busy machine's moment, must not happen to the source again
	slowFor   = 10 * time.Second       // for so long
)

// slowness measures how an outlet's writes hold up whoever writes: long ones, and many short ones that leave no time between them.
type slowness struct {
	lost   time.Duration // time spent in writing that was not made up for by as much time between two writes
	ended  time.Time     // the write before
	slowAt time.Time     // when it was slow last
}

func (s *slowness) took(began, ended time.Time) {
	s.lost = max(0, s.lost-began.Sub(s.ended)) + ended.Sub(began)
	s.ended = ended
	if s.slow() {
		s.slowAt = ended
	}
}

func (s *slowness) slow() bool { return s.lost > slowWrite }

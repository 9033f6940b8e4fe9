package v4l2

// A sequence counts the pictures that a device took and we never saw. The zero value waits for the first.
type sequence struct {
	begun bool
	last  uint32
}

// anew is a gap that no camera makes while it works, in pictures: its driver began to count anew, or counts something else.
const anew = 1 << 16

// lost returns how many pictures are missing between the one before and the one of this number: 0 for drivers that do not count, 1 where a
// driver began anew.
func (s *sequence) lost(number uint32) int {
	step := number - s.last // wraps as the numbers do; backwards is far ahead
	begun := s.begun
	s.begun, s.last = true, number
	switch {
	case !begun || step == 0:
		return 0
	case step > anew:
		return 1
	}
	return int(step - 1)
}

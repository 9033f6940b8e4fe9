package rtsp

// How far the numbers of packets may jump (RFC 3550 appendix A.1). What is farther away, the camera has begun to count anew.
const (
	maxDropout  = 3000
	maxMisorder = 100
)

// sequence follows the numbers of a camera's packets. The zero value waits for the first one.
type sequence struct {
	begun     bool
	next      uint16
	timestamp uint32 // of the newest packet
}

// accept tells how many packets before this one got lost; 1 also when the camera began to count anew, because nobody can know what was
// between. ok is false for a packet that came before, or too late to be of use. A camera that changes its SSRC mostly means nothing by it, so
// that is not looked at.
func (s *sequence) accept(number uint16, timestamp uint32) (lost int, ok bool) {
	ahead, later := int16(number-s.next), int32(timestamp-s.timestamp) > 0
	switch {
	case !s.begun:
	case ahead >= 0 && ahead < maxDropout:
		lost = int(ahead)
	case ahead < 0 && ahead >= -maxMisorder && !later:
		return 0, false
	default:
		lost = 1
	}
	s.begun, s.next, s.timestamp = true, number+1, timestamp
	return lost, true
}

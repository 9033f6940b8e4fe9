package h264

// A Codec is what payloads were found to be.
type Codec int

// What a Sniffer can tell apart.
const (
	Unknown Codec = iota
	H264          // in the packets of RFC 6184
	H265          // in the packets of RFC 7798
)

func (c Codec) String() string {
	return [...]string{Unknown: "unknown", H264: "H.264", H265: "H.265"}[c]
}

// A Sniffer finds out whether payloads are H.264 or H.265, whatever the session's description calls them. The zero value is ready; it
// belongs to one goroutine and allocates only for parameter sets.
//
// The first byte of an H.264 unit has its type in the lower five bits; in H.265 the type stands one bit higher, and a second byte follows
// whose upper bits are zero and whose lower three are not. What one codec sends often makes no sense in the other, and seldom the other
// way round. Each payload that makes sense in one of them only is a vote for it; parameter sets that can be read weigh more.
type Sniffer struct {
	h264, h265, nonsense int
}

const (
	enough = 4 // votes for certainty; a parameter set alone has that many
	margin = 4 // times as many votes as the other codec
)

// Codec returns what the payloads so far speak for, and whether that is certain. Four common packets or one parameter set are enough.
func (s *Sniffer) Codec() (codec Codec, certain bool) {
	votes, others := s.h264, s.h265
	switch {
	case s.h264 > s.h265:
		codec = H264
	case s.h265 > s.h264:
		codec = H265
		votes, others = others, votes
	default:
		return Unknown, false
	}
	return codec, votes >= enough && votes >= margin*others && votes >= s.nonsense
}

// Add takes the payload of a packet; start codes in it do not matter.
func (s *Sniffer) Add(payload []byte) {
	for len(payload) > 0 {
		var unit []byte
		if unit, payload = nextAnnexB(payload); len(unit) > 0 {
			s.vote(unit)
		}
	}
}

func (s *Sniffer) vote(payload []byte) {
	as264, as265 := weigh264(payload), weigh265(payload)
	switch {
	case as264 > 0 && as265 == 0:
		s.h264 += as264
	case as265 > 0 && as264 == 0:
		s.h265 += as265
	case as264 == 0:
		s.nonsense++
	}
}

package probe

import "bytes"

// A set is a kind of parameter set. The third, the VPS of H.265, tells a decoder nothing it needs.
type set uint8

const (
	sequenceSet set = 1 << iota // SPS
	pictureSet                  // PPS
)

// sets are the parameter sets that came.
type sets struct {
	said, came set // with the description, and with the pictures
	newest     []byte
	fromSDP    bool // the newest
	changes    int  // how often a sequence set came with the pictures that was unlike the one before
	differs    bool // the description has one that is unlike that of the pictures
}

func (s *sets) note(kind set, announced bool) {
	if announced {
		s.said |= kind
	} else {
		s.came |= kind
	}
}

// compare takes the next sequence parameter set.
func (s *sets) compare(unit []byte, announced bool) {
	if s.newest != nil && !bytes.Equal(unit, s.newest) {
		if s.fromSDP {
			s.differs = true
		} else {
			s.changes++
		}
	}
	s.newest, s.fromSDP = bytes.Clone(unit), announced
}

func (s *sets) summary() ParameterSets {
	const all = sequenceSet | pictureSet
	return ParameterSets{Announced: s.said&all == all, InBand: s.came&all == all, Differ: s.differs, Changes: s.changes}
}

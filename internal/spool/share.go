package spool

import "slices"

// share returns up to max of the entries that a sink waits for, by position. Where more wait, each camera and watch gets its share, oldest
// first: the backlog of one must not keep what is new of another waiting.
func (b *book) share(s *shelf, max int) []entry {
	if s.count <= max {
		return b.first(s, max)
	}
	streams := b.queued(s, max)
	var picked []int
	for turn := 0; len(picked) < max; turn++ {
		for _, t := range streams {
			if turn < len(t.queued) && len(picked) < max {
				picked = append(picked, t.queued[turn])
			}
		}
	}
	slices.Sort(picked)
	s.overtaken = s.overtaken || len(streams) > 1
	entries := make([]entry, 0, max)
	for _, i := range picked {
		entries = append(entries, b.entries[i])
	}
	return entries
}

// leads says how far a sink is with the streams that have overtaken others.
func (b *book) leads(s *shelf) (leads []lead) {
	if s.overtaken = s.overtaken && s.count > 0; !s.overtaken {
		return nil
	}
	b.queued(s, 1)
	cursor := b.cursor(s)
	for key, t := range b.streams {
		position := b.newest
		if len(t.queued) > 0 {
			position = b.entries[t.queued[0]].position - 1
		}
		if position > cursor {
			leads = append(leads, lead{s.name, key, position})
		}
	}
	return leads
}

// queued returns the streams of which something waits for a sink, each with the indices of its first entries, up to max of them.
func (b *book) queued(s *shelf, max int) (streams []*tail) {
	for _, t := range b.streams {
		t.queued = t.queued[:0]
	}
	for i := s.skip; i < len(b.entries); i++ {
		e := &b.entries[i]
		if e.waiting&s.bit == 0 || len(e.tail.queued) == max {
			continue
		}
		if len(e.tail.queued) == 0 {
			streams = append(streams, e.tail)
		}
		e.tail.queued = append(e.tail.queued, i)
	}
	return streams
}

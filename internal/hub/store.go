package hub

import "slices"

// The bounds of what one hub keeps. A slab is a little less than 64 KiB, so that the allocator wastes nothing; all of them are 8 MiB.
const (
	slabBytes   = 60 << 10
	slabPackets = 128
	maxSlabs    = 128
)

// entry describes one kept packet.
type entry struct {
	picture        uint64 // the number of its picture
	timestamp      uint32 // of its picture, on the hub's clock
	offset, length uint16 // of the payload in its slab
	first, marker  bool   // it begins, ends its picture
}

// A slab holds packets in the order in which they came.
type slab struct {
	number  uint64 // grows from slab to slab
	count   int
	used    int
	entries [slabPackets]entry
	bytes   [slabBytes]byte
}

func (s *slab) fits(size int) bool { return s.count < slabPackets && s.used+size <= slabBytes }

// A place is where a packet is kept, or where the next one will be. The slab of one past the last packet of a slab stays the same.
type place struct {
	slab  *slab
	index int
}

// before tells whether p lies before q.
func (p place) before(q place) bool {
	if p.slab.number != q.slab.number {
		return p.slab.number < q.slab.number
	}
	return p.index < q.index
}

// store is a row of packets that is written at its end and released slab by slab, from wherever nobody needs them. Released slabs are
// used again, so that a steady stream allocates nothing.
type store struct {
	slabs []*slab // in use, in order
	free  []*slab
	next  uint64 // number of the next slab
}

func newStore() store {
	s := store{slabs: make([]*slab, 0, maxSlabs), free: make([]*slab, 0, maxSlabs)}
	s.grow()
	return s
}

// fits tells whether a payload can be added without releasing anything.
func (s *store) fits(size int) bool { return len(s.slabs) < maxSlabs || s.last().fits(size) }

// add keeps a copy of payload, which fits.
func (s *store) add(e entry, payload []byte) place {
	if !s.last().fits(len(payload)) {
		s.grow()
	}
	last := s.last()
	e.offset, e.length = uint16(last.used), uint16(len(payload))
	at := place{last, last.count}
	last.entries[last.count] = e
	last.count++
	last.used += copy(last.bytes[last.used:], payload)
	return at
}

func (s *store) grow() {
	var fresh *slab
	if n := len(s.free); n > 0 {
		fresh, s.free = s.free[n-1], s.free[:n-1]
	} else {
		fresh = new(slab)
	}
	fresh.number, fresh.count, fresh.used = s.next, 0, 0
	s.next++
	s.slabs = append(s.slabs, fresh)
}

func (s *store) last() *slab { return s.slabs[len(s.slabs)-1] }

// end is the place of the next packet.
func (s *store) end() place { return place{s.last(), s.last().count} }

// get returns the packet at p, and p as it is called in the slab that has it; ok is false at the end. The payload is the store's.
func (s *store) get(p place) (_ place, e entry, payload []byte, ok bool) {
	for p.index == p.slab.count {
		i, found := slices.BinarySearchFunc(s.slabs, p.slab.number+1, func(s *slab, n uint64) int { return int(s.number) - int(n) })
		if !found && i == len(s.slabs) {
			return p, entry{}, nil, false
		}
		p = place{s.slabs[i], 0}
	}
	e = p.slab.entries[p.index]
	return p, e, p.slab.bytes[e.offset : int(e.offset)+int(e.length)], true
}

// release takes back the slabs that needed does not want, except the last.
func (s *store) release(needed func(*slab) bool) {
	last := s.last()
	s.slabs = slices.DeleteFunc(s.slabs, func(one *slab) bool {
		if one == last || needed(one) {
			return false
		}
		s.free = append(s.free, one)
		return true
	})
}

// shrink leaves all but n of the free slabs to the garbage collector.
func (s *store) shrink(n int) {
	if n < len(s.free) {
		clear(s.free[n:])
		s.free = s.free[:n]
	}
}

package file

// A sample is one picture in an MP4.
type sample struct {
	offset       int64 // in the file
	size         uint64
	decode, show int64 // in ticks of its track
}

// tables are the index of a track (ISO/IEC 14496-12 sections 8.6 to 8.8), as they stand in the file: a sample costs no memory but there.
type tables struct {
	durations runs // stts
	delays    runs // ctts: from decoding to showing
	chunks    table
	sizes     table // stsz
	offsets   table // stco or co64
	usualSize uint64
	count     uint64

	// Where we are.
	n       uint64 // samples read
	decode  int64
	chunk   uint64 // being read, from 1
	left    uint64 // samples in it
	perSet  uint64 // samples in chunks of this kind
	setNext int    // entry of chunks that comes next
	offset  int64
}

// take keeps a box, if it is one of the tables.
func (t *tables) take(b box) {
	r := reader{rest: b.body}
	r.bytes(4) // version and flags
	switch b.kind {
	case "stts":
		t.durations = runs{table: newTable(&r, 8)}
	case "ctts":
		t.delays = runs{table: newTable(&r, 8)}
	case "stsc":
		t.chunks = newTable(&r, 12)
	case "stsz":
		t.usualSize, t.count = r.number(4), r.number(4)
		t.sizes = table{r.rest, 4}
	case "stco":
		t.offsets = newTable(&r, 4)
	case "co64":
		t.offsets = newTable(&r, 8)
	}
}

// next returns the next sample, false after the last.
func (t *tables) next() (s sample, ok bool, err error) {
	if t.n == t.count {
		return s, false, nil
	}
	if t.left == 0 {
		if err := t.nextChunk(); err != nil {
			return s, false, err
		}
	}
	s.size = t.usualSize
	if s.size == 0 {
		if s.size, ok = t.sizes.at(int(t.n), 0, 4); !ok {
			return s, false, errMP4
		}
	}
	s.offset, s.decode = t.offset, t.decode
	s.show = s.decode + int64(int32(t.delays.next()))
	t.decode += int64(t.durations.next())
	t.offset += int64(s.size)
	t.left--
	t.n++
	return s, true, nil
}

// nextChunk goes to the next chunk: samples that stand one behind the other.
func (t *tables) nextChunk() error {
	t.chunk++
	if first, ok := t.chunks.at(t.setNext, 0, 4); ok && first <= t.chunk {
		t.perSet, _ = t.chunks.at(t.setNext, 4, 4)
		t.setNext++
	}
	offset, ok := t.offsets.at(int(t.chunk-1), 0, t.offsets.width)
	if !ok || t.perSet == 0 || offset > 1<<62 {
		return errMP4
	}
	t.left, t.offset = t.perSet, int64(offset)
	return nil
}

// A table is a row of entries of one width, in bytes.
type table struct {
	data  []byte
	width int
}

// newTable reads how many entries there are, and the entries as far as they are there.
func newTable(r *reader, width int) table {
	n := r.number(4)
	return table{r.rest[:min(n*uint64(width), uint64(len(r.rest)))], width}
}

// at returns the number of some bytes in an entry, false where there is no such entry.
func (t table) at(entry, from, size int) (uint64, bool) {
	if t.width == 0 || entry < 0 || entry >= len(t.data)/t.width {
		return 0, false
	}
	start := entry*t.width + from
	r := reader{rest: t.data[start : start+size]}
	return r.number(size), true
}

// runs is a table of values and for how many samples each counts.
type runs struct {
	table table
	entry int
	used  uint64 // of the entry
}

// next returns the value for the next sample, 0 after the last.
func (r *runs) next() uint64 {
	for {
		count, ok := r.table.at(r.entry, 0, 4)
		if !ok {
			return 0
		}
		if r.used < count {
			r.used++
			value, _ := r.table.at(r.entry, 4, 4)
			return value
		}
		r.entry, r.used = r.entry+1, 0
	}
}

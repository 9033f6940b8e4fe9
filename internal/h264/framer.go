package h264

// A Place says where in its picture a packet stands. Without a bit it is somewhere within.
type Place uint8

// The bits of a Place.
const (
	// Begins: the first packet of a picture. If no packet of the one before was its end, that picture ended with the packet before this.
	Begins Place = 1 << iota
	// Ends: the last packet of its picture.
	Ends
	// MayEnd: the picture may be whole with this packet, but the camera does not say so; the next packet tells, if it Begins another.
	MayEnd
	// Resumes: it belongs to the picture whose end was told already: the camera set its marker too early.
	Resumes
)

// Has tells whether any of want is in p.
func (p Place) Has(want Place) bool { return p&want != 0 }

// suspicion is for how many pictures markers count for nothing after one was found wrong: some seconds.
const suspicion = 300

// A Framer finds where pictures begin and end in the packets of one session. It goes by timestamps and by what the packets carry, and
// believes in markers only where these do not speak against it, because cameras forget them or set them on parameter sets, on each slice
// or on each packet. The zero value is ready; it belongs to one goroutine and allocates nothing.
//
// Who needs to know the last packet of a picture for certain, to mark it, holds back each that MayEnd one until the next is there. It costs
// nothing where markers are right: then only slices before the last are held back, and no receiver can use these any sooner.
type Framer struct {
	// Interlaced is Format.Interlaced: a picture may then be two fields, each coded like a picture of its own, and only its timestamp
	// tells it from the next.
	Interlaced bool

	begun     bool // there was a packet
	timestamp uint32
	sliced    bool // the picture has a slice
	marked    bool // the last packet had a marker where a picture may end
	ended     bool // the end of the picture was told
	suspected int  // pictures left for which markers count for nothing
}

// Next takes the next packet: its timestamp, whether it is marked as the last of its picture, and its payload. It returns what the payload
// carries, as Inspect does, and its place. An Invalid payload has none and changes nothing.
func (f *Framer) Next(timestamp uint32, marker bool, payload []byte) (Content, Place) {
	content := Inspect(payload)
	if content.Has(Invalid) {
		return content, 0
	}
	var place Place
	if f.isNew(timestamp, content) {
		place = Begins
		f.begun, f.timestamp = true, timestamp
		f.sliced, f.ended = false, false
		f.suspected = max(0, f.suspected-1)
	} else if f.goesOn() {
		place = Resumes
	}
	return content, place | f.end(marker, content)
}

// isNew tells whether a packet is of another picture than the one before. The standard lets parameter sets, SEI and access unit delimiters
// stand only before the slices of a picture (section 7.4.1.2.3); the first macroblock comes once in each.
func (f *Framer) isNew(timestamp uint32, content Content) bool {
	if !f.begun || timestamp != f.timestamp {
		return true
	}
	return f.sliced && !f.Interlaced && content.Has(AUD|SPS|PPS|SEI|FirstSlice)
}

// goesOn takes note of a packet of the same picture, and tells whether its end was told too early.
func (f *Framer) goesOn() bool {
	if f.marked {
		f.suspected = suspicion
	}
	told := f.ended
	f.ended = false
	return told
}

// end tells whether the picture ends with the packet. It cannot end without a slice, nor within one.
func (f *Framer) end(marker bool, content Content) Place {
	slice := content.Has(IDR | Slice)
	f.sliced = f.sliced || slice
	whole := f.sliced && (!slice || content.Has(SliceEnd))
	f.marked = whole && marker
	switch {
	case !whole:
		return 0
	case !marker || f.suspected > 0:
		return MayEnd
	}
	f.ended = true
	return Ends
}

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
	// Resumes: it belongs to the picture whose end was told already: a camera that was right for a while set its marker too early. Whoever
	// marked that end cannot take it back; it happens once in suspicion pictures at most.
	Resumes
)

// Has tells whether any of want is in p.
func (p Place) Has(want Place) bool { return p&want != 0 }

// How many pictures it takes until markers count for something.
const (
	earned    = 3   // with a camera that is new: one that marks each slice or each packet is found out by then
	suspicion = 300 // after a marker was found wrong: some seconds
)

// A Framer finds where pictures begin and end in the packets of one camera. It goes by timestamps and by what the packets carry, and
// believes in markers only once they were right for some pictures, because cameras forget them or set them on parameter sets, on each
// slice or on each packet. The zero value is ready; it belongs to one goroutine and allocates nothing.
//
// Who needs to know the last packet of a picture for certain, to mark it, holds back each that MayEnd one until the next is there. It costs
// nothing where markers are right: then only slices before the last are held back, and no receiver can use these any sooner.
type Framer struct {
	// Interlaced is Format.Interlaced: a picture may then be two fields, each coded like a picture of its own, and only its timestamp
	// tells it from the next.
	Interlaced bool

	trust     int  // grows with each picture up to earned, from where on markers count
	begun     bool // there was a packet
	timestamp uint32
	sliced    bool // the picture has a slice
	marked    bool // the last packet had a marker where a picture may end
	ended     bool // the end of the picture was told
}

// Restart forgets the picture in hand: the next packet begins another, or what is left of one. What was learned of the camera's markers
// stays.
func (f *Framer) Restart() { *f = Framer{Interlaced: f.Interlaced, trust: f.trust} }

// Next takes the next packet: its timestamp, whether it is marked as the last of its picture, and its payload. It returns what the payload
// carries, as Inspect does, and its place.
func (f *Framer) Next(timestamp uint32, marker bool, payload []byte) (Content, Place) {
	content := Inspect(payload)
	return content, f.Place(timestamp, marker, content)
}

// Place is Next for who has inspected the payload, or has put what another codec carries in the same terms: IDR is a key frame, SPS, PPS,
// AUD and SEI stand before the slices of a picture. An Invalid payload has no place and changes nothing.
func (f *Framer) Place(timestamp uint32, marker bool, content Content) Place {
	if content.Has(Invalid) {
		return 0
	}
	var place Place
	if f.isNew(timestamp, content) {
		place = Begins
		if f.begun {
			f.trust = min(f.trust+1, earned)
		}
		f.begun, f.timestamp = true, timestamp
		f.sliced, f.ended = false, false
	} else if f.goesOn() {
		place = Resumes
	}
	return place | f.end(marker, content)
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
		f.trust = earned - suspicion
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
	case !marker || f.trust < earned:
		return MayEnd
	}
	f.ended = true
	return Ends
}

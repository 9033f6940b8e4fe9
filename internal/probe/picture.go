package probe

import "time"

// A picture is what was seen of one.
type picture struct {
	began, ended time.Time // when its first and its last packet came
	timestamp    uint32    // 90 kHz
	bytes        int       // of payload
	sliced       bool      // some of a slice came
	slices       int       // how many
	key          bool      // decoding can begin with it
	marked       bool      // its last packet has the marker
	early        bool      // a packet before its last one has the marker
	damaged      bool      // packets of it were lost, or may have been
}

// A film is the row of pictures of one session.
type film struct {
	pictures []picture // complete ones, in the order they came
	keys     int       // how many of them are key frames
	running  *picture
	fresh    bool // nothing was added to it
	gap      bool // packets are missing before the next one
}

// begin ends the running picture and begins another. What has no slice is none, but belongs to the next: some cameras give parameter sets a
// timestamp of their own.
func (f *film) begin(timestamp uint32, now time.Time) {
	if p := f.running; p != nil && !p.sliced {
		p.timestamp = timestamp
		return
	}
	f.finish()
	f.running, f.fresh = &picture{began: now, timestamp: timestamp}, true
}

// finish ends the running picture, whose end only the beginning of the next one tells for certain.
func (f *film) finish() {
	if f.running == nil {
		return
	}
	f.pictures = append(f.pictures, *f.running)
	if f.running.key {
		f.keys++
	}
	f.running = nil
}

// close ends the film. A last picture that the camera did not mark as whole does not count.
func (f *film) close() {
	if p := f.running; p != nil && p.sliced && p.marked {
		f.finish()
	}
	f.running = nil
}

// part is what a packet, or a part of it, adds to the running picture.
type part struct {
	bytes  int
	sliced bool // it is some of a slice
	slices int
	key    bool
	marked bool
}

func (f *film) add(a part, now time.Time) {
	p := f.running
	if p == nil {
		return
	}
	if n := len(f.pictures); f.gap && f.fresh && n > 0 {
		f.pictures[n-1].damaged = true
	}
	p.damaged = p.damaged || f.gap
	f.gap, f.fresh = false, false
	p.early = p.early || p.marked
	p.marked = a.marked
	p.ended = now
	p.bytes += a.bytes
	p.sliced = p.sliced || a.sliced
	p.slices += a.slices
	p.key = p.key || a.key
}

// lose notes that packets are missing before the next one. If that one begins a picture, nobody knows whether the end of the picture before
// is missing or its own beginning.
func (f *film) lose() { f.gap = true }

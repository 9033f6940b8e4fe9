package hub

import "time"

// longestReplay is how much video is worth a replay. At four times its speed it is shown again in five seconds; cameras whose groups of
// pictures last for minutes ("smart codecs") have their viewers wait for the next key frame. Nothing better can be done here: sending
// the key frame alone would show a still of two minutes ago as if it were now.
const longestReplay = 15 * time.Second

// gop is the current group of pictures: the newest key frame and all that refers to it.
type gop struct {
	kept      bool      // from its first packet on
	start     place     // of that packet
	picture   uint64    // the number of the key frame; 0: there was none in this session
	timestamp uint32    // of it
	at        time.Time // when it began to arrive
	bytes     int       // of payload so far
}

// mean is its rate in bytes per second, until now. The key frame alone would make it look like a multiple of what it is: it is spread over
// a second at least.
func (g *gop) mean(now uint32) float64 {
	return float64(g.bytes) / max(span(g.timestamp, now), time.Second).Seconds()
}

// beginGOP is called when the first slice of a key frame was put.
func (h *Hub) beginGOP() {
	before := len(h.store.slabs)
	if h.gop.picture != 0 {
		h.usual = float64(h.gop.bytes) / max(span(h.gop.timestamp, h.picture.out), 10*time.Millisecond).Seconds()
	}
	h.gop = gop{
		kept: h.picture.start.slab != nil, start: h.picture.start, picture: h.number, timestamp: h.picture.out, at: h.rhythm.at, bytes: h.picture.bytes,
	}
	h.release()
	h.store.shrink(before) // so many were needed for the last group, and the next will be like it
	if h.out != nil {
		h.resume(h.out)
	}
}

// dropGOP gives up the current group as a whole: it is too long or too large to be sent again. Live pictures go on.
func (h *Hub) dropGOP() {
	h.keepStill()
	h.gop.kept = false
	h.metrics.dropped.Inc()
	h.warn(span(h.gop.timestamp, h.picture.out), h.number-h.gop.picture, true)
}

// release takes back the memory of packets that nobody needs any more.
func (h *Hub) release() {
	oldest := h.store.last().number
	if h.picture.start.slab != nil {
		oldest = h.picture.start.slab.number
	}
	if h.gop.kept {
		oldest = h.gop.start.slab.number
	}
	from, to := h.backlog()
	h.store.release(func(s *slab) bool { return s.number >= oldest || s.number >= from && s.number <= to })
}

// makeRoom releases packets until a payload of this size can be kept, the least important first: what an outlet that is slow would have got
// before the newest key frame, the group of pictures, and then what the slow outlet would have got at all, except for the rest of the
// picture that it is in.
func (h *Hub) makeRoom(size int) {
	room := func() bool {
		h.release()
		return h.store.fits(size)
	}
	slow := h.out
	if slow != nil && slow.mode != behind {
		slow = nil
	}
	if room() {
		return
	}
	if slow != nil && h.gop.kept && slow.at.before(h.gop.start) {
		if slow.skip = true; room() {
			return
		}
	}
	if h.gop.kept {
		if h.dropGOP(); room() {
			return
		}
	}
	if slow != nil {
		if slow.skip = true; room() {
			return
		}
		slow.mode, slow.skip = waiting, false // one picture larger than all we have: the only one that is ever cut
	}
	h.picture.start = place{}
	h.release()
}

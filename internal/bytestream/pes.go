package bytestream

// A pes takes PES packets apart (ISO/IEC 13818-1 section 2.4.3.6): a header, and what one stream writes.
type pes struct {
	state pesState
	head  []byte // so far
	left  int    // bytes to come, where the length is told
	known bool   // the length is told
	stamp Stamp  // of the newest packet that had one
	clock unwrapped
}

type pesState int

const (
	pesIdle pesState = iota // nothing is of use before the next packet begins
	pesHead
	pesBody
)

func (p *pes) begin() { p.state, p.head = pesHead, p.head[:0] }
func (p *pes) drop()  { p.state = pesIdle }

// take returns what of body belongs to the stream, and whether the packet is whole with it.
func (p *pes) take(body []byte) (bytes []byte, whole bool) {
	if p.state == pesHead {
		if body = p.takeHead(body); p.state != pesBody {
			return nil, false
		}
	}
	if p.state != pesBody {
		return nil, false
	}
	if !p.known {
		return body, false
	}
	if len(body) >= p.left {
		body, whole = body[:p.left], true
		p.state = pesIdle
	}
	p.left -= len(body)
	return body, whole
}

// takeHead reads the header, which may come in several pieces, and returns what follows.
func (p *pes) takeHead(body []byte) (rest []byte) {
	const fixed = 9
	for want := fixed; ; want = fixed + int(p.head[8]) {
		if n := min(want-len(p.head), len(body)); n > 0 {
			p.head, body = append(p.head, body[:n]...), body[n:]
		}
		if len(p.head) < want {
			return nil
		}
		if h := p.head; h[0] != 0 || h[1] != 0 || h[2] != 1 || h[6]&0xc0 != 0x80 {
			p.state = pesIdle
			return nil
		}
		if len(p.head) == fixed+int(p.head[8]) {
			break
		}
	}
	length := int(p.head[4])<<8 | int(p.head[5])
	p.known, p.left = length > 0, length+6-len(p.head)
	p.state = pesBody
	if p.known && p.left <= 0 {
		p.state = pesIdle
	}
	p.readStamp()
	return body
}

// readStamp reads the times when what begins in the packet is to be shown and decoded.
func (p *pes) readStamp() {
	const show, decode, size = 9, 14, 5
	flags := p.head[7] >> 6
	if flags&2 == 0 || len(p.head) < show+size {
		return
	}
	s := Stamp{Show: p.clock.next(ticks(p.head[show:]))}
	s.Decode = s.Show
	if flags == 3 && len(p.head) >= decode+size {
		s.Decode = nearest(ticks(p.head[decode:]), s.Show)
	}
	p.stamp = s
}

func ticks(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

// unwrapped counts on where 33 bits begin anew.
type unwrapped struct {
	begun bool
	last  int64
}

func (u *unwrapped) next(now int64) int64 {
	if !u.begun {
		u.begun, u.last = true, now
		return now
	}
	u.last = nearest(now, u.last)
	return u.last
}

// nearest is the time that has the 33 bits of now and is next to another.
func nearest(now, to int64) int64 {
	const bits = 33
	return to + (now-to)<<(64-bits)>>(64-bits)
}

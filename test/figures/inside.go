package main

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

// inside finds out how long packets are inside a process that encrypts them, from what goes in and what comes out. Pictures are known by
// the sizes of their packets, which encryption does not hide; then the n-th packet out is the n-th part of what came in.
type inside struct {
	over    chan struct{} // closed when nothing more is seen
	flows   map[uint16]*flow
	cutter  *h264.Cutter
	waiting map[fingerprint][]time.Duration // when the parts of a picture came
	leaving map[uint32]*picture             // by SSRC
	took    durations
	in, out int // pictures that came, and those of them that were seen to leave
}

type fingerprint uint64

// A picture is what has been seen of one.
type picture struct {
	timestamp uint32
	sizes     []byte
	times     []time.Duration
}

func (p *picture) add(timestamp uint32, size int, at time.Duration) {
	if timestamp != p.timestamp {
		*p = picture{timestamp, p.sizes[:0], p.times[:0]}
	}
	p.sizes = binary.BigEndian.AppendUint16(p.sizes, uint16(size))
	p.times = append(p.times, at)
}

func (p *picture) fingerprint() fingerprint {
	h := fnv.New64a()
	_, _ = h.Write(p.sizes)
	return fingerprint(h.Sum64())
}

func newInside() *inside {
	return &inside{
		over: make(chan struct{}), flows: map[uint16]*flow{}, cutter: h264.NewCutter(camera.MaxPayload),
		waiting: map[fingerprint][]time.Duration{}, leaving: map[uint32]*picture{},
	}
}

// A flow is the TCP connection over which a camera sends to one viewer.
type flow struct {
	next    uint32 // sequence number
	rest    []byte // the beginning of a frame
	synced  bool
	picture picture
}

// came takes a segment of a camera's connection.
func (i *inside) came(viewer uint16, sequence uint32, data []byte, at time.Duration) {
	f := i.flows[viewer]
	if f == nil {
		f = &flow{}
		i.flows[viewer] = f
	}
	switch {
	case f.synced && int32(sequence-f.next) < 0:
		return // a repeat
	case !f.synced || sequence != f.next:
		f.rest, f.picture = nil, picture{}
		f.synced = len(data) > 4 && data[0] == '$' && data[1] == 0 // the camera sends a frame per write
	}
	f.next = sequence + uint32(len(data))
	if !f.synced {
		return
	}
	f.rest = append(f.rest, data...)
	for len(f.rest) >= 4 {
		size := 4 + int(binary.BigEndian.Uint16(f.rest[2:]))
		if f.rest[0] != '$' { // an answer to a keepalive
			f.synced = false
			return
		}
		if len(f.rest) < size {
			return
		}
		if f.rest[1] == 0 {
			i.arrived(f, f.rest[4:size], at)
		}
		f.rest = f.rest[size:]
	}
}

// arrived takes an RTP packet of a camera, and cuts it as it will leave.
func (i *inside) arrived(f *flow, raw []byte, at time.Duration) {
	var p rtp.Packet
	if p.Unmarshal(raw) != nil {
		return
	}
	i.cutter.Cut(p.Payload, func(part []byte, _ bool) { f.picture.add(p.Timestamp, len(part), at) })
	if p.Marker {
		i.in++
		i.waiting[f.picture.fingerprint()] = append([]time.Duration(nil), f.picture.times...)
	}
}

// left takes a packet that leaves: its beginning, and its whole length.
func (i *inside) left(head []byte, length int, at time.Duration) {
	const tag = 16 // of AES-GCM
	var h rtp.Header
	if head[0]>>6 != 2 || head[1] >= 192 && head[1] <= 223 { // neither STUN nor DTLS nor RTCP (RFC 7983, RFC 5761)
		return
	}
	size, err := h.Unmarshal(head)
	if err != nil || length < size+tag {
		return
	}
	p := i.leaving[h.SSRC]
	if p == nil {
		p = &picture{}
		i.leaving[h.SSRC] = p
	}
	p.add(h.Timestamp, length-size-tag, at)
	if !h.Marker {
		return
	}
	key := p.fingerprint()
	if came, ok := i.waiting[key]; ok && len(came) == len(p.times) {
		i.out++
		for n, t := range p.times {
			i.took = append(i.took, t-came[n])
		}
		delete(i.waiting, key)
	}
}

// seen is the share of pictures that could be followed.
func (i *inside) seen() float64 { return float64(i.out) / float64(max(1, i.in)) }

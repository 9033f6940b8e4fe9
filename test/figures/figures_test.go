package main

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/overshoot-ai/overshoot-agent/internal/camera"
	"github.com/overshoot-ai/overshoot-agent/internal/h264"
	"github.com/pion/rtp"
)

// testClip has pictures of one to ten packets, each of other bytes.
func testClip() *clip {
	c := &clip{}
	for n := range 20 {
		var picture []packet
		unit := make([]byte, 700*(1+n%10))
		unit[0] = 0x41
		for i := range unit[1:] {
			unit[1+i] = byte(i*7 + n*31 + 1)
		}
		h264.NewCutter(1400).Cut(unit, func(part []byte, last bool) {
			p := &rtp.Packet{Header: rtp.Header{Version: 2, Marker: last}, Payload: append([]byte(nil), part...)}
			picture = append(picture, packet{p, c.packets})
			c.packets++
		})
		c.pictures = append(c.pictures, picture)
	}
	return c
}

func TestPassageKnowsPacketsHoweverTheyWereCut(t *testing.T) {
	c := testClip()
	p := newPassage(c)
	p.measuring.Store(true)
	cutter := h264.NewCutter(camera.MaxPayload)
	for _, picture := range c.pictures {
		for _, one := range picture {
			p.send(one.number)
			cutter.Cut(one.Payload, func(part []byte, _ bool) {
				p.arrive(part, false)
				p.arrive(part, false) // once more
			})
		}
	}
	s, arrived := p.result()
	if s.n != len(c.pictures) || arrived != 1 {
		t.Errorf("%d of %d ends of pictures arrived, %v of those that were sent", s.n, len(c.pictures), arrived)
	}
}

// frame is an RTP packet as it travels in an RTSP connection.
func frame(t *testing.T, p rtp.Packet) []byte {
	t.Helper()
	raw, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint16([]byte{'$', 0}, uint16(len(raw))), raw...)
}

// leave shows what leaves a process that encrypts.
func leave(t *testing.T, in *inside, source, timestamp uint32, size int, marker bool, at time.Duration) {
	t.Helper()
	h := rtp.Header{Version: 2, SSRC: source, Timestamp: timestamp, Marker: marker}
	if err := h.SetExtension(1, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	head, err := h.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	in.left(head, len(head)+size+16, at)
}

func TestInsideFollowsPicturesThroughEncryption(t *testing.T) {
	in := newInside()
	var sequence uint32 = 4294967000 // wraps
	for viewer := range uint16(3) {
		f := sequence
		for n, picture := range testClip().pictures {
			came := time.Duration(n) * time.Second
			cutter, sizes := h264.NewCutter(camera.MaxPayload), []int(nil)
			for _, one := range picture {
				p := *one.Packet
				p.Timestamp = uint32(n) * 3000
				bytes := frame(t, p)
				half := len(bytes) / 2
				if n > 0 { // the first segment seen has to begin a frame
					in.came(viewer, f, bytes[:half], came)
					in.came(viewer, f, bytes[:half], came) // a repeat
					in.came(viewer, f+uint32(half), bytes[half:], came)
				} else {
					in.came(viewer, f, bytes, came)
				}
				f += uint32(len(bytes))
				cutter.Cut(p.Payload, func(part []byte, _ bool) { sizes = append(sizes, len(part)) })
			}
			for i, size := range sizes {
				leave(t, in, uint32(viewer), uint32(n)*2999+7, size, i == len(sizes)-1, came+time.Millisecond)
			}
		}
	}
	s := in.took.spread()
	if in.seen() != 1 || s.median != time.Millisecond || s.longest != time.Millisecond {
		t.Errorf("followed %v of the pictures, %v", in.seen(), s)
	}
	in.came(9, 5, []byte("RTSP/1.0 200 OK"), 0)
	in.left([]byte{0, 1, 0, 0}, 100, 0)                                     // STUN
	in.left(append([]byte{0x80, 200}, make([]byte, 30)...), 100, time.Hour) // RTCP
	if in.in != 60 || in.out != 60 {
		t.Errorf("%d pictures came, %d left", in.in, in.out)
	}
}

func TestSpread(t *testing.T) {
	var d durations
	for i := range 200 {
		d = append(d, time.Duration(200-i)*time.Millisecond)
	}
	want := spread{200, 100 * time.Millisecond, 198 * time.Millisecond, 200 * time.Millisecond}
	if got := d.spread(); got != want {
		t.Errorf("got %+v", got)
	}
}

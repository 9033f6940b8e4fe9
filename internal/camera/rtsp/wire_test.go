package rtsp_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/pion/rtcp"
)

// wire is RTP as cameras send it inside the connection, one frame after the other, on channel 0 for packets and 1 for reports.
type wire struct{ bytes.Buffer }

func (w *wire) frame(channel byte, data []byte) {
	w.Write([]byte{'$', channel})
	w.Write(binary.BigEndian.AppendUint16(nil, uint16(len(data))))
	w.Write(data)
}

// plays starts a camera that sends this after PLAY.
func plays(t *testing.T, w *wire) *script {
	t.Helper()
	return play(t, answers{base.Play: func(r *base.Request) string { return reply(r, "200 OK") + w.String() }})
}

func TestPaddingIsTakenOff(t *testing.T) {
	w := &wire{}
	padded := append(packet(1, []byte{0x41, 1, 2}), 0, 0, 3)
	padded[0] |= 0x20
	wrong := append(packet(2, []byte{0x41, 1, 2}), 200) // more padding than packet
	wrong[0] |= 0x20
	w.frame(0, padded)
	w.frame(0, wrong)
	w.frame(0, packet(3, []byte{0x41, 3}))
	v, _, ended := run(t, source(t, plays(t, w).address, "/live", password))
	if p := next(t, v.packets, ended); !bytes.Equal(p.Payload, []byte{0x41, 1, 2}) {
		t.Errorf("the payload is %x", p.Payload)
	}
	if p := next(t, v.packets, ended); p.Payload[1] != 3 || p.Lost != 1 {
		t.Errorf("after a packet that makes no sense comes %x, %d lost", p.Payload, p.Lost)
	}
}

func TestHeaderExtensionsAndSourcesAreTakenOff(t *testing.T) {
	w := &wire{}
	plain := packet(1, nil)
	extended := append(bytes.Clone(plain[:12]), 0, 0, 0, 7) // one contributing source
	extended = append(extended, 0xbe, 0xde, 0, 1, 1, 2, 3, 4, 0x41, 9)
	extended[0] |= 0x10 | 1
	w.frame(0, extended)
	v, _, ended := run(t, source(t, plays(t, w).address, "/live", password))
	if p := next(t, v.packets, ended); !bytes.Equal(p.Payload, []byte{0x41, 9}) {
		t.Errorf("the payload is %x", p.Payload)
	}
}

// Reports that make no sense, of strangers, too large or of another kind, cost nothing. Neither does a camera that changes its SSRC.
func TestReportsAndSourcesThatMakeNoSense(t *testing.T) {
	foreign, err := (&rtcp.SenderReport{SSRC: 4711}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	bye, err := (&rtcp.Goodbye{Sources: []uint32{1}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{}
	n := uint16(0)
	for _, report := range [][]byte{nil, {1}, foreign, foreign[:9], bye, bytes.Repeat([]byte{0x80}, 2000), append([]byte{0x80, 192}, make([]byte, 20)...)} {
		n++
		p := packet(n, []byte{0x41, byte(n)})
		binary.BigEndian.PutUint32(p[8:], uint32(n/3)) // SSRC
		w.frame(1, report)
		w.frame(0, p)
		w.frame(9, report) // a channel that was never set up
	}
	v, _, ended := run(t, source(t, plays(t, w).address, "/live", password))
	for i := range n {
		if p := next(t, v.packets, ended); p.Payload[1] != byte(i+1) || p.Lost != 0 {
			t.Errorf("packet %d is %x, %d lost", i+1, p.Payload, p.Lost)
		}
	}
}

func TestPacketsOfAnUnknownKindAreLeftOut(t *testing.T) {
	w := &wire{}
	w.frame(0, []byte{0x80})
	other := packet(1, []byte{1, 2, 3})
	other[1] = 107
	w.frame(0, other)
	w.frame(0, packet(1, []byte{0x41, 1}))
	v, _, ended := run(t, source(t, plays(t, w).address, "/live", password))
	if p := next(t, v.packets, ended); p.Payload[1] != 1 {
		t.Errorf("got %x", p.Payload)
	}
}

// The watchdog counts from Begin. A camera that takes its time for the answer to PLAY must not be judged as one that plays.
func TestASessionBeginsWithTheAnswerToPlay(t *testing.T) {
	s := play(t, answers{base.Play: silence})
	v, stop, ended := run(t, source(t, s.address, "/live", password))
	s.wait(t, base.Play)
	stop()
	<-ended
	if len(v.begun) > 0 {
		t.Error("the session has begun, though PLAY was not answered")
	}
}

func TestASessionBeginsWithAPacketBeforeTheAnswerToPlay(t *testing.T) {
	w := &wire{}
	w.frame(0, packet(1, []byte{0x41, 1}))
	s := play(t, answers{base.Play: func(r *base.Request) string { return w.String() + reply(r, "200 OK") }})
	v, _, ended := run(t, source(t, s.address, "/live", password))
	next(t, v.packets, ended)
	if len(v.begun) != 1 {
		t.Errorf("the session has begun %d times", len(v.begun))
	}
}
